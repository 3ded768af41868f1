"""Errors are one line."""

from __future__ import annotations

from musicae.errors import DataError, FileError


def test_names_with_line_breaks_do_not_break_the_line():
    assert str(FileError("a\nb.mid", "is damaged\r\nthere")) == "a\\nb.mid: is damaged\\r\\nthere"
    assert str(DataError("as it is, é")) == "as it is, é"
