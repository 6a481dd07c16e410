"""The pipelines as a person sees them: what goes in, and what of what comes out is worth a look.

Written down here, since importing the pipelines takes longer than a command that answers at once may take; a test
compares it with them.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """A pipeline.

    `inputs` are the entries that it takes, but for folders of images; `outputs` are those by which its state is told.
    An optional stage is not part of the road.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    optional: bool = False


STAGES = (
    Stage("ingestion", ("animl_export",), ("images", "annotations", "image_files")),
    Stage("detection_cropping", ("images", "annotations", "image_files", "existing_detections"), ("crops",)),
    Stage(
        "dataset_split",
        ("crops", "image_files", "label_map", "taxonomy", "fixed_test", "confidence_calibration"),
        ("splits", "label_index"),
    ),
    Stage(
        "modeling",
        ("labeled_crops", "splits", "label_index", "sample_weights", "crop_settings"),
        ("classifier", "predictions"),
    ),
    Stage(
        "reporting",
        ("predictions", "crops", "training_history"),
        ("average_precision_json", "report"),
    ),
    Stage("inference", ("inference_detections", "classifier"), ("inference_results",), optional=True),
)
