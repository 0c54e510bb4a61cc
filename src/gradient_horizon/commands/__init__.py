"""The commands of `gradient-horizon`, one file each; scripts of the workflow open them too."""
