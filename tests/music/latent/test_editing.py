"""Edits of a song, on a model whose first latent number is how many notes a window has."""

from __future__ import annotations

import numpy as np
import pytest
import tiny

from musicae.core.directions import Directions
from musicae.music.analysis.attributes import measure
from musicae.music.latent.editing import NOTES, Editor, Edits, beats, differences, pursuit


def melody(notes: int, pitch: int = 60) -> np.ndarray:
    """A window of sixteenths from its first step on; silence after them."""
    window = np.zeros(32, np.uint8)
    window[:notes] = pitch - 19 + np.arange(notes) % 3
    window[notes : notes + 1] = 1
    return window


@pytest.fixture
def model(monkeypatch):
    """Decodes as many sixteenths as the first latent number says."""
    member = tiny.model(tiny.MELODY)

    def encode(windows: np.ndarray, condition=None) -> np.ndarray:
        z = np.zeros((len(windows), 4), np.float32)
        z[:, 0] = (windows > 1).sum(1)
        return z

    def decode(z: np.ndarray, condition=None, decoding=None) -> np.ndarray:
        return np.stack([melody(int(np.clip(np.round(n), 1, 31))) for n in z[:, 0]])

    monkeypatch.setattr(member, "encode_windows", encode)
    monkeypatch.setattr(member, "decode_windows", decode)
    monkeypatch.setattr(member, "draw", lambda n, *_: np.zeros((n, 4), np.float32))
    member.directions = Directions(("density",), np.float32([[[4.0, 0, 0, 0]]]), np.array([0.5]))
    return member


def edited(model, windows: np.ndarray, amount: float, own: np.ndarray | None = None, **also: float) -> np.ndarray:
    own = np.ones((len(windows), 32), bool) if own is None else own
    editor = Editor(model, windows, np.ones(len(windows), np.int64), own)
    amounts = {"density": amount} | also
    return editor.after(editor.path(amounts), amounts)


def density(model, windows: np.ndarray) -> float:
    return float(measure(model.representation, windows)["density"].mean())


@pytest.mark.parametrize("amount", [-1.0, -0.5, 0.5, 1.0])
def test_a_song_changes_by_what_is_requested(model, amount):
    windows = np.stack([melody(n) for n in (9, 12, 15, 18)])
    after = edited(model, windows, amount)
    assert density(model, after) - density(model, windows) == pytest.approx(0.5 * amount, abs=0.13)


@pytest.mark.parametrize("amount", [-1.0, 1.0])
def test_nothing_leaves_the_range_of_the_song_and_no_window_falls_silent(model, amount):
    windows = np.stack([melody(9, pitch=60), melody(2, pitch=60)])
    after = edited(model, windows, 4 * amount)
    notes = after[after > 1]
    assert notes.min() >= windows[windows > 1].min()
    assert notes.max() <= windows[windows > 1].max()
    assert ((after > 1).sum(1) > 0).all()


def test_only_own_steps_change(model):
    windows = np.stack([melody(9), melody(12)])
    own = np.arange(32) < np.array([[16], [0]])
    after = edited(model, windows, 3.0, own)
    assert density(model, after) > density(model, windows)
    np.testing.assert_array_equal(after[0, 16:], windows[0, 16:])
    np.testing.assert_array_equal(after[1], windows[1])


def test_more_notes_leave_all_that_there_were(model):
    windows = np.stack([melody(n) for n in (9, 12)])
    after = edited(model, windows, 1.0)
    assert (after[windows > 1] == windows[windows > 1]).all()


def test_an_amount_of_nothing_changes_nothing(model):
    windows = np.stack([melody(9), melody(12)])
    np.testing.assert_array_equal(edited(model, windows, 0.0), windows)


# Pursuit -------------------------------------------------------------------------------------------


def edits(gains: list, lost: list, beat: list | None = None) -> Edits:
    n = len(gains)
    beat = np.arange(n) if beat is None else np.array(beat)
    return Edits(np.zeros(n, int), beat, np.ones((n, 4), bool), np.zeros((n, 4)), np.float64(gains), np.float64(lost))


REQUESTED = np.array([True, False])


def chosen(found: Edits, target: float = 1.0) -> list[int]:
    return pursuit(found, np.zeros(2), np.array([target, 0.0]), REQUESTED, 0.01)


def test_what_costs_least_comes_first():
    assert chosen(edits([[0.2, 0.0], [0.2, 0.3], [0.2, 0.0]], [0.0, 0.0, 0.1 / NOTES]))[:2] == [0, 2]


def test_changes_of_other_attributes_that_cancel_out_cost_nothing():
    assert chosen(edits([[0.2, 0.1], [0.2, -0.1], [0.2, 0.09]], [0.0, 0.0, 0.0]))[:2] == [2, 1]


def test_a_beat_is_replaced_once_and_what_leads_away_never():
    found = edits([[0.3, 0.0], [0.2, 0.0], [-0.2, 0.0]], [0.0, 0.0, 0.0], beat=[0, 0, 1])
    assert chosen(found) == [0]
    assert chosen(found, -1.0) == [2]


def test_no_more_is_taken_than_is_requested():
    assert chosen(edits([[0.5, 0.0]] * 4, [0.0] * 4)) == [0, 1]


# Steps ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", [tiny.MELODY, tiny.PIANOROLL, *tiny.FAMILY], ids=lambda preset: preset.name)
def test_differences_are_found_in_their_steps(preset):
    kind = preset.representation
    a = np.zeros((2, *kind.shape), kind.dtype)
    b = a.copy()
    np.moveaxis(b, kind.time_axis, 1)[1, 5] = 1
    changed = differences(kind, a, b)
    assert changed.shape == (2, kind.shape[kind.time_axis]) == (2, len(beats(kind)))
    assert np.argwhere(changed).tolist() == [[1, 5]]
