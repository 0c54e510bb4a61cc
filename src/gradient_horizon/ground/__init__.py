"""What everything stands on: files, names, seeds, digests, programs."""
