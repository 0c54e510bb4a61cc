"""The registered tasks: the module of each.  A new one is a line here.

This list is read where all names are asked for and where one is imported, and it is not part of
what a job depends on: a line more runs nothing again.
"""

REGISTERED = {
    "words": "words",
    "delayed_echo": "delayed_echo",
    "temporal_order": "temporal_order",
    "copy_memory": "copy_memory",
    "parity": "parity",
    "adding": "adding",
    "digits": "digits",
    "arrays": "arrays",
}
