"""The species classifier: network, labels and preprocessing that belong together."""
