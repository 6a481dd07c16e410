"""The files of a configuration, as texts. Names and paths come from outside: each is quoted as YAML wants it."""

from collections.abc import Mapping

import yaml

from animl_kedro.errors import InputError
from animl_kedro.new_dataset.export import ExportSummary
from animl_kedro.new_dataset.images import Folder, ImageSource

EXPORT_METADATA = """\
  metadata:
    description: The export of labels
    kedro-viz: {layer: raw}
"""

ARCHIVE_METADATA = """\
  metadata:
    description: The images in S3, by key, fetched when asked for
    kedro-viz: {layer: raw}
"""

PARAMETERS = """\
# What differs from conf/base: every label, and a network of the size that Animl serves, from ImageNet's weights.
ingestion:
  selection:
    labels: null # every label of the export; the label map chooses
  download:
    threads: 64 # for an archive that is not in the next room

detection_cropping:
  cropping:
    margin: 0.0

dataset_split:
  min_locations: 5
  min_crops: 100

modeling:
  backbone: efficientnet-b3
  image_size: null # 300 pixels, what the backbone was designed for
  weights: imagenet
  epochs: 50
  head_only_epochs: 2
  batch_size: 64
  learning_rate: 0.0005
  batch_norm_momentum: 0.01
  drop_connect: 0.2
  patience: 8

reporting:
  title: {title}
"""


def catalog_text(name: str, export_path: str, export: ExportSummary, source: ImageSource) -> str:
    """`catalog.yml`: where the export, the images and the label map are."""
    return f"""\
# {name}: kedro run --env={name}
animl_export:
  type: animl_kedro.datasets.label_exports.LabelExportsDataset
  datasets:
    {quoted(name)}: # the first folder of its images and crops
      filepath: {quoted(export_path)}
      key: {quoted(export.key)} # an image's key in the archive, of its record's fields
{EXPORT_METADATA}
{_archive_text(name, source)}
label_map:
  type: animl_kedro.datasets.label_map.LabelMapDataset
  filepath: {quoted(f"conf/{name}/label_map.yml")}
  metadata:
    description: Which dataset labels make which class
    kedro-viz: {{layer: model_input}}
"""


def _archive_text(name: str, source: ImageSource) -> str:
    if isinstance(source, Folder):
        return f"""\
image_store:
  type: animl_kedro.datasets.image_folder.ImageStoreDataset
  path: ${{globals:folders}}/02_intermediate/images
  folders:
    {quoted(name)}: {quoted(source.path)} # what its images' file names are relative to
  manifest:
    type: pandas.ParquetDataset
    filepath: ${{globals:data}}/02_intermediate/image_files.parquet
    load_args: {{columns: [image_id, path]}}
  metadata:
    description: The images, by image_id
    kedro-viz: {{layer: intermediate}}

image_archive: # none: an image that the folder lacks cannot be had
  type: animl_kedro.datasets.image_archive.ImageArchiveDataset
  bucket: none
  endpoint_url: http://127.0.0.1:9
  anonymous: true
{ARCHIVE_METADATA}"""
    options = [f"  bucket: {quoted(source.bucket)}"]
    options += [f"  prefix: {quoted(source.prefix)} # before every key"] if source.prefix else []
    options += [f"  region: {quoted(source.region)}"] if source.region else []
    options += ["  anonymous: true # a public bucket"] if source.public else []
    settings = "\n".join(options)
    return f"""\
# Credentials are found as boto3 does it, by AWS_PROFILE=… or the machine's role; or name them here,
# `credentials: {name}`, and write `{name}: {{profile_name: …}}` into conf/{name}/credentials.yml, which git ignores.
image_archive:
  type: animl_kedro.datasets.image_archive.ImageArchiveDataset
{settings}
{ARCHIVE_METADATA}"""


def globals_text(name: str) -> str:
    """`globals.yml`: results in a folder of their own, so that no other data set's are overwritten."""
    folder = quoted(f"data/{name}")
    return f"# Results of this data set, apart from those of others.\ndata: {folder}\nfolders: {folder}\n"


def parameters_text(name: str) -> str:
    """`parameters.yml`: settings for real photographs."""
    return PARAMETERS.format(title=quoted(f"Species classifier for {name}"))


def label_map_text(labels: Mapping[str, int]) -> str:
    """`label_map.yml`: every label a class of its own, the most frequent first."""
    head = "# class: the dataset labels that make it. Merge labels, or leave out what is no class of its own.\n"
    return head + "".join(f"{_line({label: [label]})} # {count:,}\n" for label, count in labels.items())


def quoted(text: str) -> str:
    """A text as YAML, in one line. Raises InputError where Kedro would take a part of it for a reference."""
    if "${" in text:
        raise InputError(f"{text!r} cannot stand in a configuration, where ${{ begins a reference: rename it.")
    return _line(text)


def _line(value: object) -> str:
    text = yaml.safe_dump(value, default_flow_style=None, allow_unicode=True, width=2**31)
    return text.removesuffix("\n").removesuffix("\n...")
