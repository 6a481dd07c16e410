"""The five pipelines of the road, and inference. None imports another: what they share passes through the catalog."""
