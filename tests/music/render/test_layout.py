from __future__ import annotations

from musicae.music.render.layout import Rows, pitch_name


def test_pitch_names():
    assert [pitch_name(pitch) for pitch in (0, 60, 61, 70, 127)] == ["C-1", "C4", "C♯4", "B♭4", "G9"]


def test_every_drum_of_general_midi_has_a_name_of_its_own():
    names = [name for _, name in Rows(0, -1, tuple(range(27, 88))).labels]
    assert len(set(names)) == 61
    assert not any(name.startswith("drum") for name in names)
