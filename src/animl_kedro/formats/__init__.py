"""The file formats of the field, as plain functions: no Kedro, no network."""
