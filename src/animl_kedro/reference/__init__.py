"""The pages of the documentation that are made of code and configuration, so that they cannot go stale."""
