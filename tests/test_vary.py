"""`python -m musicae.vary` as a user types it, on models with random weights."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from command_line import written

from musicae.core.directions import DIRECTIONS, Directions


@pytest.fixture
def steered(models):
    """The melody model, for as long as it has directions."""
    directions = Directions(("density", "syncopation_eighths"), 3 * np.eye(2, 4, dtype=np.float32)[:, None], np.ones(2))
    directions.save(models["melody"])
    yield
    (models["melody"] / DIRECTIONS).unlink()


def test_vary_writes_variations_one_after_another_and_says_how_much_of_the_song_is_in_each(run):
    status, out, err = run("vary a.mid --model {melody} -n 2 --split --strength 0.5")
    assert status == 0
    saved, parts, *lines, seed = out.splitlines()
    assert (saved, parts, seed) == ("saved a_varied.mid", "saved a_varied_1of2.mid to a_varied_2of2.mid", "seed 0")
    assert [re.sub(r"\d+%", "x", line) for line in lines] == [f"variation {i}: x of the notes kept" for i in (1, 2)]
    assert err == "a.mid: took track 1 'Flöte' (the only one with pitched notes)\n"
    assert written() == {"a_varied.mid", "a_varied_1of2.mid", "a_varied_2of2.mid"}


def test_vary_says_what_became_of_the_requested_attributes(run, steered):
    line = "vary a.mid --model {melody} --more density=1.5 --less syncopation --more density=0.5"
    status, out, _ = run(line, "--html", "--png")
    assert status == 0
    changes = r"variation \d: \d+% of the notes kept, density 1.00 -> [\d.]+, syncopation_eighths 0.00 -> [\d.]+"
    assert all(re.fullmatch(changes, said) for said in out.splitlines()[3:7])
    assert written() == {"a_varied.mid", "a_varied.html", "a_varied.png"}
    status, out, _ = run(line + " --json --out other")
    found = json.loads(out)
    assert found["before"]["density"] == 1
    assert len(found["variations"]) == 4
    assert set(found["variations"][0]) == {"kept", "attributes"}


def test_vary_takes_pictures(run):
    status, out, _ = run("vary a.png --model {pictures} -n 3 --strength 0.5")
    assert (status, out.splitlines()) == (0, ["saved a_varied.png", "seed 0"])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a.mid --model {melody} --more swing=1", "unknown attribute 'swing': known: density, syncopation_eighths"),
        ("a.mid --model {melody} --less density=much", "--less density=much: give a name and a number"),
        ("a.mid --model {melody} --more density=inf", "density inf: give a number"),
        ("a.mid --model {melody} --strength 1.5", "strength 1.5: it must lie between 0 and 1"),
        ("a.mid --model {melody} -n 0", "-n 0: ask for 1 to 10000"),
        ("a.mid --model {roll} --more density", "tiny-pianoroll has no directions"),
        ("a.png --model {pictures} --more density", "--more is for music"),
    ],
)
def test_vary_refuses_what_cannot_be(refused, steered, line, message):
    assert message in refused(f"vary {line}")
