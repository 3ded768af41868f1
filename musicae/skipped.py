"""The table of the files of a source that could not be read, with the reasons."""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from tempfile import mkstemp

from musicae.files import write_atomically

SKIPPED = "skipped.csv"
COLUMNS = ("source", "file", "reason")


def write_skipped(folder: Path, rows: Iterable[tuple[str, str, str]]) -> Path:
    """Writes the table to a folder: source, name and reason of each file."""
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows([COLUMNS, *rows])
    # Names that are not in Unicode, which file systems and archives allow, are written with escapes.
    return write_atomically(folder / SKIPPED, table.getvalue().encode("utf-8", "backslashreplace"), force=True)


def reasons(table: Path | None) -> list[tuple[str, int]]:
    """The reasons in a table, and how often each is there; none where there is no table."""
    if table is None:
        return []
    with table.open(encoding="utf-8", newline="") as file:
        return Counter(row["reason"] for row in csv.DictReader(file)).most_common()


def keep(table: Path | None) -> list[str]:
    """Copies a table to where temporary files are, if there is one, and says so in a sentence."""
    if table is None:
        return []
    handle, path = mkstemp(prefix="musicae-", suffix=f"-{SKIPPED}")
    with os.fdopen(handle, "wb") as file:
        file.write(table.read_bytes())
    return [sentence(Path(path))]


def sentence(table: Path) -> str:
    """Says where a table is."""
    return f"Every file that was skipped, with the reason: {table}"
