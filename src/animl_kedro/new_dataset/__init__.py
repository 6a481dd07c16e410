"""A configuration of its own for an export of labels."""
