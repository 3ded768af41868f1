"""The pairs of songs that interpolations are measured on, and the classifier of what lies between."""

from __future__ import annotations

import importlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from musicae.music.song import Song

SCRIPTS = Path(__file__).parents[1] / "scripts"
GROUPS = ("far-same", "far-other", "near-same", "near-other")


@pytest.fixture
def pairs_of(monkeypatch):
    """A function of the registers of songs in three keys, a number and a seed, that returns pairs."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    scripts = importlib.import_module("song_pairs")

    def pairs(registers: list[float], count: int, seed: int = 0) -> list:
        songs = [scripts.Candidate(i, f"{i}.mid", Song(), one, i % 3) for i, one in enumerate(registers)]
        return scripts.drawn(songs, count, seed)

    return pairs


@pytest.fixture
def classifier(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module("classifier_test")


def test_pairs_are_of_four_groups_and_no_song_is_in_many(pairs_of):
    pairs = pairs_of([60.0 + i % 25 for i in range(50)], 24)
    assert Counter(pair.group for pair in pairs) == dict.fromkeys(GROUPS, 6)
    uses = Counter(one.number for pair in pairs for one in pair.songs)
    assert max(uses.values()) <= 2
    for pair in pairs:
        a, b = pair.songs
        assert (abs(a.register - b.register) >= 10) == pair.group.startswith("far")
        assert (a.key == b.key) == pair.group.endswith("same")


def test_one_song_far_from_all_others_is_in_two_pairs(pairs_of):
    pairs = pairs_of([60.0] * 40 + [90.0], 20)
    assert len(pairs) == 20
    assert sum(pair.group.startswith("far") for pair in pairs) == 2


def test_pairs_depend_on_the_seed_alone(pairs_of):
    both = [[[one.number for one in pair.songs] for pair in pairs_of([60.0] * 30, 8, 1)] for _ in range(2)]
    assert both[0] == both[1]


@pytest.fixture
def windows():
    random = np.random.default_rng(0)
    return [random.normal(size=(20, 3)) for _ in range(40)]


def test_a_classifier_distinguishes_what_differs_only(windows, classifier):
    pairs = np.arange(40).reshape(20, 2)
    numbers = list(range(40))
    moved = [one + 3 for one in windows[:20]]
    assert classifier.accuracy(windows[20:], numbers[20:], moved, numbers[:20], pairs, 0) > 0.95
    assert abs(classifier.floor(windows, numbers, pairs, 0) - 0.5) < 0.1


def test_songs_that_are_joined_are_in_one_fold(windows, classifier):
    """One song against another: where all are joined there is nothing to test on."""
    chain = np.stack([np.arange(39), np.arange(1, 40)], 1)
    assert np.isnan(classifier.accuracy(windows[:20], list(range(20)), windows[20:], list(range(20, 40)), chain, 0))
