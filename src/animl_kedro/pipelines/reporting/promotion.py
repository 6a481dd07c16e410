"""Whether a classifier may take the place of an earlier one, in a form that a deployment can read."""

from dataclasses import asdict
from typing import Any

import pandas as pd

from animl_kedro.pipelines.reporting.comparing import Pair
from animl_kedro.pipelines.reporting.measuring import none_if_missing
from animl_kedro.pipelines.reporting.parameters import PromotionParams, ReportingParams
from animl_kedro.pipelines.reporting.wording import counted
from animl_kedro.tables import Verdict

MEASURES = ("average_precision", "earlier_average_precision", "difference", "low", "high")

NO_EARLIER = "There is no earlier version, nor anything else in earlier_predictions of the catalog, to compare with."


def promote(pair: Pair | None, comparison: pd.DataFrame, earlier: str, params: ReportingParams) -> dict[str, Any]:
    """The content of promotion.json; ``earlier`` is where the earlier predictions are from, no ``pair`` without any."""
    margins = params.promotion.model_dump()
    if pair is None:
        return {"verdict": Verdict.NOTHING_TO_COMPARE.value, "reason": NO_EARLIER, "earlier": None, "margins": margins}
    macro = comparison[comparison["kind"] == "mean"]
    numbers = {name: none_if_missing(macro[name].item()) for name in MEASURES if len(macro)}
    locations = int(macro["locations"].sum())
    verdict, reason = judge(numbers, locations, params.promotion)
    return {
        "verdict": verdict.value,
        "reason": reason,
        "macro": numbers or None,
        "confidence_level": params.confidence_level,
        "locations": locations,
        "crops": {"compared": len(pair.crop_ids), **asdict(pair.left_out)},
        "classes": {
            "compared": list(pair.scores.labels),
            "only_here": list(pair.only_here),
            "only_in_earlier": list(pair.only_earlier),
            **_changed(comparison, params.promotion.fewest_locations),
        },
        "earlier": earlier,
        "margins": margins,
        "notes": _notes(pair),
    }


def judge(macro: dict[str, float | None], locations: int, params: PromotionParams) -> tuple[Verdict, str]:
    """The verdict on a difference in macro average precision with its interval, and why."""
    difference, low, high = (macro.get(name) for name in ("difference", "low", "high"))
    if difference is None:
        return Verdict.NOTHING_TO_COMPARE, "There is no test crop that both have predicted, of a class that both know."
    if low is None or high is None or locations < params.fewest_locations:
        found = counted(locations, "test location is", "test locations are")
        return Verdict.UNDECIDED, f"{found} too few to be sure of anything: {params.fewest_locations} are needed."
    told = f"The difference in macro average precision is {difference:+.4f}, with an interval {low:+.4f} to {high:+.4f}"
    if low > params.better_margin:
        return Verdict.BETTER, f"{told}: all of it is above {params.better_margin:g}."
    if low >= -params.not_worse_margin:
        return Verdict.NOT_WORSE, f"{told}: none of it is below {-params.not_worse_margin:g}."
    if high < 0:
        return Verdict.WORSE, f"{told}: all of it is below 0."
    return Verdict.UNDECIDED, f"{told}: it may be better, and it may be worse by more than {params.not_worse_margin:g}."


def _changed(comparison: pd.DataFrame, fewest_locations: int) -> dict[str, list[str]]:
    """The classes whose own interval is all above or below 0, of those that are seen at enough locations."""
    sure = comparison[(comparison["kind"] == "class") & (comparison["locations"] >= fewest_locations)]
    return {
        "better": sure.loc[sure["low"] > 0, "label"].tolist(),
        "worse": sure.loc[sure["high"] < 0, "label"].tolist(),
    }


def _notes(pair: Pair) -> list[str]:
    """What a person should know of the comparison."""
    left_out = pair.left_out
    crops = {
        "not in the earlier predictions": left_out.not_in_earlier,
        "left out because the earlier classifier was trained or tuned on them": left_out.known_to_earlier,
        "left out because their label was another one then": left_out.relabelled,
    }
    notes = [f"{counted(count, 'test crop is', 'test crops are')} {told}" for told, count in crops.items() if count]
    if left_out.only_in_earlier:
        notes.append(f"{counted(left_out.only_in_earlier, 'crop', 'crops')} of the earlier test are not in this one")
    for where, labels in (("this classifier", pair.only_here), ("the earlier one", pair.only_earlier)):
        if labels:
            notes.append(f"only {where} knows {', '.join(labels)}: not in the macro average precision compared here")
    if not pair.split_is_known:
        notes.append(
            "the earlier predictions do not tell which crops their classifier was trained on: if it was on some of "
            "these, it seems better than it is"
        )
    return notes
