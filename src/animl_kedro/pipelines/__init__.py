"""The five pipelines. None imports another: what they share passes through the catalog."""
