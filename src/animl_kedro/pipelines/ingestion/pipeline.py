"""The ingestion pipeline."""

from kedro.pipeline import Node, Pipeline

from animl_kedro.pipelines.ingestion.nodes import check_downloads, download_images, read_export


def create_pipeline() -> Pipeline:
    """Export and archive in; images, annotations and the manifest of local files out."""
    return Pipeline(
        [
            Node(
                read_export,
                {"exports": "animl_export", "params": "params:ingestion"},
                ["images", "annotations", "rejected_records"],
                name="read_export",
            ),
            Node(
                download_images,
                {"images": "images", "archive": "image_archive", "store": "image_store", "params": "params:ingestion"},
                "image_files",
                name="download_images",
            ),
            Node(
                check_downloads,
                {"image_files": "image_files", "params": "params:ingestion"},
                "download_summary",
                name="check_downloads",
            ),
        ],
        namespace="ingestion",
        prefix_datasets_with_namespace=False,
    )
