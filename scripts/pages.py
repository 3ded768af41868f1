"""Text that scripts write into pages, between two marks."""

from __future__ import annotations

from pathlib import Path


def fill(page: Path, marks: tuple[str, str], text: str) -> None:
    """Replace the text between the marks of a page.

    Raises:
        ValueError: a mark is missing, or occurs more than once.
    """
    content = page.read_text(encoding="utf-8")
    if [content.count(mark) for mark in marks] != [1, 1]:
        raise ValueError(f"{page}: put {marks[0]} and {marks[1]} in it, once each")
    before, rest = content.split(marks[0])
    page.write_text(f"{before}{marks[0]}\n\n{text}\n\n{marks[1]}{rest.split(marks[1])[1]}", encoding="utf-8")
