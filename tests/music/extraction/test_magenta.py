"""The strict melody against what the original made of real files, and against its rules one by one."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache

import numpy as np
import pretty_midi
import pytest
from shared import CONVERSION, midi_file, needs_parity

from musicae.errors import MidiError
from musicae.music.extraction import magenta
from musicae.music.extraction.extract import training_windows
from musicae.music.representations import Melody
from musicae.music.score.score import Score
from musicae.music.song import Song

FAMILIES = {
    "melody_2bar": Melody(steps=32, strict=True, programs=(0, 31)),
    "melody_16bar": Melody(steps=256, strict=True),
}


@cache
def song(path: str, archive: str) -> Score:
    return magenta.read(midi_file(path, archive))


@needs_parity
@pytest.mark.parametrize("family", FAMILIES)
def test_windows_are_those_of_the_original(family):
    folder = CONVERSION
    files = json.loads((folder / f"{family}.json").read_text())["files"]
    expected = np.load(folder / f"{family}.npz")
    different = {}
    for i, file in enumerate(files):
        rows = slice(*expected["offsets"][i : i + 2])
        labels, exact = expected["label"][rows], expected["exact"][rows].astype(bool)
        windows, _ = training_windows(FAMILIES[family], song(file["path"], file["archive"]))
        ours, sure, all_rows = (Counter(map(bytes, w)) for w in (windows, labels[exact], labels))
        # rows that hang on the last bit of a float may be missing here or differ; every other row is here
        if sure - ours or len(windows) != file["examples_exact"] or (exact.all() and ours != all_rows):
            different[file["path"]] = (
                len(windows),
                file["examples_exact"],
                len(labels),
                (sure - ours).total(),
            )
    assert not different


def midi(*notes, program=0, metre=(4, 4)) -> Song:
    """A song of (start, end, pitch) in seconds at 120 BPM."""
    result = pretty_midi.PrettyMIDI(initial_tempo=120)
    result.time_signature_changes.append(pretty_midi.TimeSignature(*metre, 0))
    result.instruments.append(pretty_midi.Instrument(program))
    result.instruments[0].notes = [pretty_midi.Note(80, pitch, start, end) for start, end, pitch in notes]
    return magenta.read(result)


TWO_BARS = FAMILIES["melody_2bar"]


def test_a_note_into_the_third_bar_makes_a_window():
    windows, problems = training_windows(TWO_BARS, midi((3.0, 5.0, 60)))
    assert not problems
    assert windows.tolist() == [[0] * 8 + [2 + 60 - 21] + [0] * 15 + [1] + [0] * 7]


@pytest.mark.parametrize(
    "nothing",
    [
        midi((2.0, 4.0, 60)),
        midi((0.0, 1.0, 60)),
        midi((3.0, 5.0, 60), metre=(3, 4)),
        midi((3.0, 5.0, 60), program=40),
        midi((3.0, 5.0, 20)),
    ],
    ids=["one bar", "one bar from the start", "three quarters", "program 40", "out of range"],
)
def test_what_the_original_does_not_read_makes_none(nothing):
    windows, problems = training_windows(TWO_BARS, nothing)
    assert windows.shape == (0, 32)
    assert len(problems) == 1


def test_silence_of_a_bar_ends_a_melody():
    near = midi((0.0, 1.0, 60), (2.5, 4.0, 62))
    far = midi((0.0, 1.0, 60), (3.0, 4.0, 62))
    assert len(training_windows(TWO_BARS, near)[0]) == 1
    assert len(training_windows(TWO_BARS, far)[0]) == 0


def test_of_two_equal_notes_in_a_step_the_first_counts():
    windows, _ = training_windows(TWO_BARS, midi((0.0, 1.0, 60), (0.04, 0.06, 60), (1.5, 3.0, 62)))
    assert windows[0][:13].tolist() == [41, *[0] * 7, 1, *[0] * 3, 43]


def test_a_file_that_pretty_midi_cannot_read():
    with pytest.raises(MidiError, match="<bytes>"):
        magenta.read(b"nothing")


def test_a_window_forgets_the_note_held_into_it():
    windows, _ = training_windows(TWO_BARS, midi((0.0, 2.5, 60), (3.0, 6.0, 62)))
    assert windows[1][:9].tolist() == [0] * 8 + [2 + 62 - 21]
