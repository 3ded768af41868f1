"""Broken files of every kind: each is read, or refused in one line, in seconds, without much memory.

The same some thousand cases every time; `scripts/fuzz.py` tries as many others as one has time for.
"""

from __future__ import annotations

import pytest

from fuzz.harness import run
from fuzz.targets import TARGETS

MILLISECONDS = 2000  # of each target


@pytest.mark.parametrize("name", TARGETS)
def test_broken_files_are_read_or_refused(name):
    cases = round(MILLISECONDS / TARGETS[name].cost)
    outcome = run(name, 0, range(cases))
    assert outcome.findings == {}
    assert outcome.cases == cases
    assert outcome.read
    assert outcome.refused
