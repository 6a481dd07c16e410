"""Text in a CSV file that a spreadsheet must not take for a formula.

Excel and its like run what begins with ``=``, ``+``, ``-`` or ``@`` when a CSV file is opened, in quotation marks or
not, and a label or a file name from outside can begin so. Such a text gets an apostrophe in front, and one that has
apostrophes before such a character gets one more, so that it can be told what the text was.

Source: OWASP, CSV Injection, https://owasp.org/www-community/attacks/CSV_Injection.
"""

import re
from collections.abc import Callable
from typing import Any

import pandas as pd

MARK = "'"
FORMULA = re.compile(rf"{MARK}*[=+\-@\t\r\n＝＋－＠]")
MARKED = re.compile(rf"{MARK}+[=+\-@\t\r\n＝＋－＠]")


def defused(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a mark in front of every text that a spreadsheet would run."""
    return _changed(table, FORMULA, lambda text: MARK + text)


def restored(table: pd.DataFrame) -> pd.DataFrame:
    """What `defused` was given."""
    return _changed(table, MARKED, lambda text: text[len(MARK) :])


def _changed(table: pd.DataFrame, found: re.Pattern[str], change: Callable[[str], str]) -> pd.DataFrame:
    columns: dict[Any, pd.Series] = {}
    for name in table:
        if table[name].dtype.kind in "biufM":
            continue
        texts = table[name].dropna().unique()
        changes = {text: change(text) for text in texts if isinstance(text, str) and found.match(text)}
        if changes:
            changed = table[name].map(lambda value, changes=changes: changes.get(value, value))
            columns[name] = changed.astype(table[name].dtype)
    return table.assign(**columns)
