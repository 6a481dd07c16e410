"""Kedro datasets: they own all input and output of the project."""
