"""The configuration: checked, completed and spread out into a grid."""
