"""A classifier against an earlier one."""

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from animl_kedro.pipelines.reporting.comparing import compare, pair_up
from animl_kedro.pipelines.reporting.parameters import PromotionParams, ReportingParams
from animl_kedro.pipelines.reporting.promotion import judge, promote
from animl_kedro.tables import PROBABILITY_PREFIX, Comparison, Verdict
from reporting_factories import HOSTILE_LABELS, LABELS, make_crops, make_predictions, shuffled

PARAMS = ReportingParams(bootstrap_rounds=200)
COLUMNS = [PROBABILITY_PREFIX + label for label in LABELS]


def make_earlier(predictions: pd.DataFrame, skill: float = 1.0, seed: int = 9) -> pd.DataFrame:
    """What another classifier says of the same crops."""
    labels = tuple(dict.fromkeys(predictions["label"]))  # in the order in which the factory was given them
    locations = predictions["crop_id"].str.split("/").str[1].nunique()
    return make_predictions(labels, crops=len(predictions), locations=locations, skill=skill, seed=seed)


def verdict_of(predictions: pd.DataFrame, earlier: pd.DataFrame, params: ReportingParams = PARAMS) -> dict[str, Any]:
    pair = pair_up(predictions, earlier)
    promotion = promote(pair, compare(pair, make_crops(predictions), params), "earlier.parquet", params)
    content: dict[str, Any] = json.loads(json.dumps(promotion, allow_nan=False))
    return content


def test_compare_measures_both_on_the_same_crops_as_scikit_learn_does() -> None:
    predictions = make_predictions(skill=1)
    earlier = make_earlier(predictions)
    table = compare(pair_up(predictions, shuffled(earlier)), shuffled(make_crops(predictions)), PARAMS)
    Comparison.validate(table)
    assert table["label"].tolist() == [*LABELS, "macro"]
    test = (predictions["split"] == "test").to_numpy()
    truth = predictions.loc[test, "label"].to_numpy()[:, None] == np.array(LABELS)
    for column, source in (("average_precision", predictions), ("earlier_average_precision", earlier)):
        expected = average_precision_score(truth, source.loc[test, COLUMNS].to_numpy(), average=None)
        assert table[column].tolist() == pytest.approx([*expected, expected.mean()], abs=1e-12)
    difference = table["average_precision"] - table["earlier_average_precision"]
    assert table["difference"].tolist() == pytest.approx(difference.tolist())
    assert (table["low"] <= table["difference"]).all()
    assert (table["difference"] <= table["high"]).all()
    assert table["positives"].tolist() == [12, 12, 12, 36]
    assert table["locations"].tolist() == [3] * 4


def test_compare_with_itself_differs_by_nothing_and_is_not_worse() -> None:
    predictions = make_predictions(skill=1)
    promotion = verdict_of(predictions, predictions)
    assert promotion["verdict"] == "not_worse"
    assert promotion["macro"]["difference"] == promotion["macro"]["low"] == promotion["macro"]["high"] == 0
    assert promotion["notes"] == []


def test_paired_interval_is_narrower_than_the_two_apart() -> None:
    predictions = make_predictions(crops=900, locations=60, skill=1)
    rng = np.random.default_rng(0)
    noisy = predictions[COLUMNS] * np.exp(rng.normal(0, 0.1, (len(predictions), len(COLUMNS))))
    earlier = predictions.assign(**noisy.div(noisy.sum(axis="columns"), axis="index"))
    alike = compare(pair_up(predictions, earlier), make_crops(predictions), PARAMS).set_index("label").loc["macro"]
    other = make_earlier(predictions)
    apart = compare(pair_up(predictions, other), make_crops(predictions), PARAMS).set_index("label").loc["macro"]
    assert (alike["high"] - alike["low"]) < (apart["high"] - apart["low"]) / 2


@pytest.mark.parametrize(
    ("skill", "earlier_skill", "verdict"), [(4, 0.5, "better"), (0.5, 4, "worse"), (1.0, 1.0, "undecided")]
)
def test_verdict_of_unlike_classifiers(skill: float, earlier_skill: float, verdict: str) -> None:
    predictions = make_predictions(crops=540, locations=36, skill=skill)
    promotion = verdict_of(predictions, make_earlier(predictions, earlier_skill))
    assert promotion["verdict"] == verdict, promotion["reason"]
    assert promotion["earlier"] == "earlier.parquet"
    assert promotion["locations"] == 12
    changed = {"better": "better", "worse": "worse"}.get(verdict)
    if changed:
        assert promotion["classes"][changed] == list(LABELS)


def test_crops_that_the_earlier_classifier_was_trained_on_are_left_out() -> None:
    predictions = make_predictions(skill=1)
    test = predictions.index[predictions["split"] == "test"]
    honest = make_earlier(predictions)
    trained = honest.copy()
    trained.loc[test[:6], "split"] = "train"
    trained.loc[test[6:10], "split"] = "val"
    sure = predictions["label"].to_numpy()[:, None] == np.array(LABELS)
    trained.loc[test[:10], COLUMNS] = sure[test[:10]].astype(float)  # it knows these by heart
    promotion = verdict_of(predictions, trained)
    expected = verdict_of(predictions, honest.drop(index=test[:10]))
    assert promotion["macro"] == expected["macro"]
    assert promotion["crops"] == {
        "compared": 26,
        "not_in_earlier": 0,
        "only_in_earlier": 0,
        "known_to_earlier": 10,
        "relabelled": 0,
    }
    assert (
        "10 test crops are left out because the earlier classifier was trained or tuned on them" in promotion["notes"]
    )


def test_crops_with_another_label_or_in_one_of_the_two_only_are_told() -> None:
    predictions = make_predictions(skill=1)
    test = predictions.index[predictions["split"] == "test"]
    earlier = make_earlier(predictions)
    earlier.loc[test[0], "label"] = "fox" if earlier.loc[test[0], "label"] != "fox" else "bird"
    here = predictions.drop(index=test[3:5])
    promotion = verdict_of(here, earlier.drop(index=test[1:3]))
    assert promotion["crops"] == {
        "compared": 31,
        "not_in_earlier": 2,
        "only_in_earlier": 2,
        "known_to_earlier": 0,
        "relabelled": 1,
    }
    assert "1 test crop is left out because their label was another one then" in promotion["notes"]


CROPS = st.lists(
    st.tuples(
        st.sampled_from([None, "train", "val", "test"]),  # here, or not at all
        st.sampled_from([None, "", "train", "val", "test"]),  # before, where "" is one that is not known
        st.sampled_from("ab"),
        st.sampled_from(["a", "b", None]),
    ),
    max_size=12,
)


@given(CROPS)
def test_every_test_crop_is_compared_or_counted_for_one_reason(crops: list[tuple[Any, ...]]) -> None:
    here = {f"{n}.jpg": (split, label) for n, (split, _, label, _) in enumerate(crops) if split is not None}
    before = {f"{n}.jpg": (split or None, label) for n, (_, split, _, label) in enumerate(crops) if split is not None}
    compared, counts = [], {"not_in_earlier": 0, "only_in_earlier": 0, "known_to_earlier": 0, "relabelled": 0}
    for crop_id, (split, label) in here.items():
        if split != "test":
            continue
        if crop_id not in before:
            counts["not_in_earlier"] += 1
        elif before[crop_id][0] in ("train", "val"):
            counts["known_to_earlier"] += 1
        elif before[crop_id][1] not in (label, None):
            counts["relabelled"] += 1
        else:
            compared.append(crop_id)
    for crop_id, (split, _) in before.items():
        counts["only_in_earlier"] += split in ("test", None) and here.get(crop_id, (None,))[0] != "test"
    tables = [
        pd.DataFrame(
            {
                "crop_id": pd.Series(list(table), dtype="str"),
                "split": pd.Series([split for split, _ in table.values()], dtype="str"),
                "label": pd.Series([label for _, label in table.values()], dtype="str"),
                "probability_a": 0.5,
                "probability_b": 0.5,
            }
        )
        for table in (here, before)
    ]
    pair = pair_up(*tables)
    assert pair.crop_ids == compared
    assert asdict(pair.left_out) == counts
    assert [pair.scores.labels[label] for label in pair.scores.truth] == [here[crop_id][1] for crop_id in compared]


def test_macro_is_over_the_classes_that_both_know() -> None:
    predictions = make_predictions(skill=1)
    earlier = make_earlier(predictions).rename(columns={"probability_skunk": "probability_wolf"}).assign(label=None)
    pair = pair_up(predictions, earlier)
    table = compare(pair, make_crops(predictions), PARAMS)
    assert table["label"].tolist() == ["bird", "fox", "macro"]
    assert table["positives"].tolist() == [12, 12, 36]  # skunks are still there, as what is neither
    promotion = promote(pair, table, "", PARAMS)
    assert promotion["classes"]["only_here"] == ["skunk"]
    assert promotion["classes"]["only_in_earlier"] == ["wolf"]
    assert any("only this classifier knows skunk" in note for note in promotion["notes"])


def test_earlier_predictions_without_splits_are_compared_with_a_warning() -> None:
    predictions = make_predictions(skill=1)
    earlier = make_earlier(predictions)
    promotion = verdict_of(predictions, earlier.assign(split=pd.Series([None] * len(earlier), dtype="str")))
    assert promotion["macro"] == verdict_of(predictions, earlier)["macro"]
    assert "do not tell which crops" in promotion["notes"][-1]


def test_nothing_to_compare_is_said_for_every_reason() -> None:
    predictions = make_predictions()
    assert promote(None, Comparison.of([]), "", PARAMS)["verdict"] == "nothing_to_compare"
    others = make_earlier(predictions).assign(crop_id=lambda table: "other/" + table["crop_id"])
    no_crops = verdict_of(predictions, others)
    assert (no_crops["verdict"], no_crops["macro"]) == ("nothing_to_compare", None)
    renamed = {name: name + "s" for name in COLUMNS}
    assert verdict_of(predictions, make_earlier(predictions).rename(columns=renamed))["verdict"] == "nothing_to_compare"
    train = predictions.query("split == 'train'")
    assert verdict_of(train, train)["verdict"] == "nothing_to_compare"


def test_hostile_labels_and_crops_without_location_are_compared() -> None:
    predictions = make_predictions(HOSTILE_LABELS, crops=300, skill=1)
    crops = make_crops(predictions)
    crops["location"] = crops["location"].where(crops.index % 2 == 0)
    crops["sequence_id"] = None
    pair = pair_up(predictions, make_earlier(predictions))
    table = compare(pair, crops, PARAMS)
    assert table["label"].tolist() == [*sorted(HOSTILE_LABELS), "macro"]
    assert table.loc[table["kind"] == "mean", "low"].notna().all()


def test_one_location_decides_nothing() -> None:
    predictions = make_predictions(locations=3, skill=4)
    promotion = verdict_of(predictions, make_earlier(predictions, 0.0))
    assert promotion["verdict"] == "undecided"
    assert promotion["reason"].startswith("1 test location is too few")
    assert promotion["macro"]["low"] is None


@pytest.mark.parametrize(
    ("low", "high", "margins", "verdict"),
    [
        (0.001, 0.03, {}, Verdict.BETTER),
        (0.0, 0.03, {}, Verdict.NOT_WORSE),
        (0.001, 0.03, {"better_margin": 0.002}, Verdict.NOT_WORSE),
        (-0.01, 0.02, {}, Verdict.NOT_WORSE),
        (-0.009, -0.001, {}, Verdict.NOT_WORSE),
        (-0.011, 0.02, {}, Verdict.UNDECIDED),
        (-0.011, 0.02, {"not_worse_margin": 0.02}, Verdict.NOT_WORSE),
        (-0.011, 0.0, {}, Verdict.UNDECIDED),
        (-0.011, -0.001, {}, Verdict.WORSE),
        (-0.011, -0.001, {"fewest_locations": 5}, Verdict.UNDECIDED),
    ],
)
def test_judge_goes_by_the_whole_interval(low: float, high: float, margins: Any, verdict: Verdict) -> None:
    macro: dict[str, float | None] = {"difference": (low + high) / 2, "low": low, "high": high}
    assert judge(macro, 4, PromotionParams(**margins))[0] is verdict
