"""How the last run ended."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from animl_kedro.errors import InputError
from animl_kedro.status.screen import age
from animl_kedro.status.stock import holding_of


def last_run(catalog: Mapping[str, Any], project: Path, now: datetime) -> str | None:
    """A sentence about the last run where it failed, or None where it did not, or nothing is known."""
    try:
        holding = holding_of(catalog.get("run_manifest") or {}, project)
        if holding is None:
            return None
        run = json.loads(holding.place.read(holding.files[0]))["run"]
        if run["status"] == "completed":
            return None
        where = f" at {run['error']['node']}" if run["error"]["node"] else ""
        return f"The last run failed{where} ({run['error']['type']}), {age(now - holding.made)}."
    except (InputError, OSError, ValueError, KeyError, TypeError):
        return "The manifest of the last run cannot be read."
