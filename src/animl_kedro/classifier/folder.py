"""The names of the two files of a saved classifier."""

CARD = "classifier.json"
WEIGHTS = "weights.safetensors"
