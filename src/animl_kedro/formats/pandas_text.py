"""Text in a CSV file that pandas must not take for something else.

``pandas.read_csv`` guesses: a location "007" becomes the number 7, a label "NA" a missing value, in quotation marks or
not. Where a file is read by the scripts of others, which let it guess, such a text gets an apostrophe in front, as
spreadsheets have it for numbers that are text: "'007". No other text is changed.
"""

import csv
import io
from collections.abc import Iterator, Sequence

import pandas as pd

MARK = "'"

BATCH = 1000
"""Texts that are tried at a time: pandas needs longer for a column of many than for many columns of a few."""


def marked(texts: pd.Series) -> pd.Series:
    """The texts with a mark in front of those that pandas would misread. No text may be missing."""
    misread = _misread_among(texts)
    return texts.map({text: MARK + text if text.lstrip(MARK) in misread else text for text in texts.unique()})


def unmarked(texts: pd.Series) -> pd.Series:
    """What `marked` was given."""
    misread = _misread_among(texts)
    return texts.map(
        {text: text[1:] if text[:1] == MARK and text.lstrip(MARK) in misread else text for text in texts.unique()}
    )


def _misread_among(texts: pd.Series) -> set[str]:
    """Which of the texts, without their marks, pandas would misread."""
    bare = sorted({text.lstrip(MARK) for text in texts.unique()})
    return {text for start in range(0, len(bare), BATCH) for text in _misread(bare[start : start + BATCH])}


def _misread(texts: Sequence[str]) -> Iterator[str]:
    """Let pandas guess at each of the texts alone, in a column of its own.

    What it reads right alone, it reads right in any column, since one such text makes all of the column text.
    """
    file = io.StringIO()
    csv.writer(file, quoting=csv.QUOTE_ALL).writerow(texts)
    file.seek(0)
    guesses = pd.read_csv(file, header=None, index_col=False).iloc[0]
    return (text for text, guess in zip(texts, guesses, strict=True) if not isinstance(guess, str) or guess != text)
