"""From an Animl export of labelled camera-trap photographs to a measured species classifier."""

__version__ = "0.1.0"
