"""What the parameters of all pipelines share."""

from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


class StrictParams(BaseModel):
    """Parameters that cannot be changed once read, and that refuse a name that they do not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _knows_the_names(cls, values: Any) -> Any:
        """Say which name was meant, where pydantic would say only that one is not permitted."""
        unknown = [name for name in values if name not in cls.model_fields] if isinstance(values, dict) else []
        if unknown:
            close = get_close_matches(str(unknown[0]), cls.model_fields, n=1)
            meant = f"did you mean {close[0]!r}?" if close else f"it must be one of {', '.join(cls.model_fields)}"
            raise ValueError(f"unknown parameter {unknown[0]!r}: {meant}")
        return values
