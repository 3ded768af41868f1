from __future__ import annotations

import pytest

from musicae.errors import ConfigError


@pytest.mark.parametrize(
    "options",
    [{"temperature": -1.0}, {"temperature": float("nan")}, {"temperature": float("inf")}]
    + [{"top_p": value} for value in (0.0, -1.0, 1.5, float("nan"))],
)
def test_impossible_ways_of_drawing_are_refused(melody, options):
    with pytest.raises(ConfigError, match=next(iter(options)).replace("_", "-")):
        melody.sample(1, **options)
