"""Names of data sets, which become folders."""

import re
from collections.abc import Mapping
from typing import Any

from kedro.io import DatasetError

from animl_kedro.files import fault_of_relative_path

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def check_dataset_names(names: Mapping[str, Any]) -> None:
    """Raises DatasetError where there is no name, one cannot be a folder, or two are one but for their case."""
    if not names:
        raise DatasetError("`datasets:` names no data set: expected at least one, with its settings below its name.")
    if not isinstance(names, Mapping):
        raise DatasetError(
            "`datasets:` or `folders:` is no mapping: expected names of data sets with what belongs to them."
        )
    for name in names:
        if not isinstance(name, str):
            raise DatasetError(f"the name of a data set is the number {name!r}: put it in quotes, '{name}'.")
        fault = None if NAME.fullmatch(str(name)) else "it must be of letters, digits, '_', '-' and '.'"
        if fault := fault or fault_of_relative_path(str(name)):
            raise DatasetError(f"{name!r} cannot be the name of a data set and its folder: {fault}")
    if len({str(name).casefold() for name in names}) < len(names):
        raise DatasetError(f"Two data sets of {', '.join(map(repr, names))} differ only in upper and lower case.")
