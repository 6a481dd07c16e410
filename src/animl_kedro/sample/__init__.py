"""The sample island: drawn photographs, an export as Animl writes it, and an archive served over S3."""
