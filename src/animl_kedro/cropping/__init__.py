"""How a box becomes a crop: for training, and again wherever a classifier is given boxes."""
