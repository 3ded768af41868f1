from __future__ import annotations

import pretty_midi
import pytest

from musicae.errors import MidiError
from musicae.music.song import Song


def test_reads_pretty_midi_made_by_hand():
    music = pretty_midi.PrettyMIDI(initial_tempo=90)
    music.instruments = [pretty_midi.Instrument(40, name="v")]
    music.instruments[0].notes = [pretty_midi.Note(90, 60, 2 / 3, 4 / 3), pretty_midi.Note(90, 62, 0, 2 / 3)]
    song = Song.read(music)
    assert song.tracks[0].notes.tolist() == [(0, 220, 62, 90), (220, 440, 60, 90)]
    assert song.tempos == ((0, pytest.approx(90)),)
    music.instruments[0].notes[0].end = float("nan")
    with pytest.raises(MidiError, match="not a number"):
        Song.read(music)


@pytest.mark.parametrize("key", range(24))
def test_keys_of_pretty_midi(key):
    music = pretty_midi.PrettyMIDI()
    music.instruments = [pretty_midi.Instrument(0)]
    music.instruments[0].notes = [pretty_midi.Note(90, 60, 0, 1)]
    music.key_signature_changes = [pretty_midi.KeySignature(key, 0)]
    written = Song.read(music).to_pretty_midi()
    assert written.key_signature_changes[0].key_number == key
