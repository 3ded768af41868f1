"""Songs of several tracks through models with random weights: the results are bands, in any metre and length."""

from __future__ import annotations

import io
from dataclasses import replace

import mido
import numpy as np
import pytest
import tiny
import torch

from musicae.core.networks import Recurrent
from musicae.music.data.windows import Windows
from musicae.music.extraction.extract import training_windows
from musicae.music.render import html, svg
from musicae.music.representations import Multitrack, Trio
from musicae.music.score.note_arrays import NOTE
from musicae.music.score.score import Tempo, TimeSignature, Track
from musicae.music.song import Song

WILD = {"temperature": 1.0, "seed": 3}  # random weights decode to few notes when greedy
CONDUCTED = Recurrent((8,), (8,), segments=2, conductor_units=(8,), separate_decoders=True)
BY_TRACK = Recurrent((8,), (8,), segments=8, hierarchical_encoder=True, conductor_units=(8,))
PRESETS = [
    replace(tiny.RECURRENT, name=name, representation=representation, network=network, track=None)
    for name, representation, network in (
        ("trio", Trio(steps=32), CONDUCTED),
        ("multitrack", Multitrack(tokens=24), BY_TRACK),
        ("chords", Multitrack(tokens=24, chords=True), BY_TRACK),
    )
]


def part(pitch: int, beats: int, program: int = 0, is_drum: bool = False, name: str = "") -> Track:
    """A note a beat."""
    pitches = [(36, 42, 38, 42)[i % 4] if is_drum else pitch + 5 * i % 7 for i in range(beats)]
    rows = [(480 * i, 480 * i + 240, p, 90) for i, p in enumerate(pitches)]
    return Track(np.array(rows, NOTE), program, is_drum, name)


def band(bars: int = 4, beats: int = 4, programs: tuple[int, ...] = (73, 33), **changes) -> Song:
    """A song of some pitched tracks and drums."""
    tracks = [part(75 - 9 * i, bars * beats, program, name=f"part {i}") for i, program in enumerate(programs)]
    tracks.append(part(0, bars * beats, 16, True, "Kit"))
    metre = (TimeSignature(0, beats, 4),)
    return replace(Song(tuple(tracks), tempos=(Tempo(0, 90.0),), time_signatures=metre, name="band"), **changes)


EIGHT = band(3, 3, (73, 33, 48, 49, 50, 51, 52))


@pytest.fixture(scope="module", params=PRESETS, ids=lambda preset: preset.name)
def model(request):
    band_model = tiny.model(request.param)
    with torch.no_grad():
        for weights in band_model.network.parameters():
            weights.mul_(8)
    return band_model


def channels(song: Song) -> list[tuple[str, set[int]]]:
    """The name and the channels (counted from 1) of each track of the file that a song becomes."""
    file = mido.MidiFile(file=io.BytesIO(song.to_bytes()))
    return [(t.name, {message.channel + 1 for message in t if hasattr(message, "channel")}) for t in file.tracks[1:]]


def about(song: Song) -> list[tuple]:
    return [(one.name, one.program, one.is_drum) for one in song.tracks]


@pytest.mark.parametrize(
    "a", [band(), EIGHT, band(1), band(2, 5)], ids=["four", "eight tracks in 3/4", "one bar", "5/4"]
)
def test_a_reconstruction_is_a_band_with_its_names_programs_tempo_and_metre(model, a):
    result = model.reconstruct(a, **WILD)
    for song in (result.song, result.original, *model.vary(a, 2, **WILD)):
        assert song.tempos == a.tempos
        assert song.time_signatures == a.time_signatures
        assert {one.name for one in song.tracks} - {""} <= {one.name for one in a.tracks}
        assert about(song)[: len(about(result.original))] == about(result.original)
        for (name, found), one in zip(channels(song), song.tracks, strict=True):
            assert name == one.name
            assert (found == {10}) == one.is_drum
            assert len(found) == 1
        assert song.end <= model.extract(a).ticks
    assert all(0 <= value <= 1 for value in result.figures.values())
    assert all(isinstance(value, float) for value in result.figures.values())


@pytest.mark.parametrize(("a", "b"), [(band(), EIGHT), (EIGHT, band(2)), (band(1), band(3, 5))])
def test_interpolations_of_unequal_bands(model, a, b):
    between = model.interpolate(a, b, 3, **WILD)
    assert len(between.songs) == 3
    assert np.isfinite(between.latents).all()
    assert about(between.originals[0]) == [x for x in about(between.songs[0]) if x[0]]
    whole = between.song
    assert whole.end <= 3 * between.ticks
    assert sum(len(one.notes) for one in whole.tracks) == sum(len(t.notes) for s in between.songs for t in s.tracks)
    for track, (_, found) in zip(whole.tracks, channels(whole), strict=True):
        assert (found == {10}) == track.is_drum
    assert whole.to_bytes() == model.interpolate(a, b, 3, **WILD).song.to_bytes()


def test_samples_have_their_own_programs(model):
    for song in model.sample(3, **WILD):
        assert len(song.tracks)
        assert all(one.is_drum or len(found) for one, (_, found) in zip(song.tracks, channels(song), strict=True))
        assert song.bars_end <= 2 * 4 * song.ticks_per_quarter
    assert model.sample(1, **WILD)[0].to_bytes() == model.sample(1, **WILD)[0].to_bytes()


def test_held_out_figures(model):
    windows = np.concatenate([training_windows(model.representation, song)[0] for song in (band(), EIGHT)])
    figures = model.evaluate(Windows(windows, model.representation))
    parts = {"melody_accuracy", "bass_accuracy", "drums_accuracy"} if model.name == "trio" else {"program_f1"}
    assert parts <= set(figures["mean"]["greedy"])


def test_bands_are_drawn(model):
    song = model.reconstruct(EIGHT, **WILD).original
    assert "Kit" in svg.piano_roll_svg(song)
    assert "part 1" in html.fragment(song)


# Where the original errs --------------------------------------------------------------------------


def test_windows_come_in_the_order_of_the_music_always(model):
    """The original's order is that of a Python set of tracks (3.0), and it keeps five windows of a song."""
    windows, _ = training_windows(model.representation, band(12))
    again, _ = training_windows(model.representation, band(12))
    assert windows.tobytes() == again.tobytes()
    assert len(windows) > 5
    assert np.array_equal(windows[0], model.extract(band(12)).windows[0])


def test_chords_that_change_on_bar_lines_cost_no_bars():
    """The original drops a bar where two moments that should be one differ in the last bit of a float."""
    pitches = [(48 + 2 * (i % 3), 52 + 2 * (i % 3), 55 + 2 * (i % 3)) for i in range(24)]
    rows = [(1920 * i, 1920 * i + 1920, p + k, 90) for i, chord in enumerate(pitches) for k in (0, 12) for p in chord]
    piano = Track(np.sort(np.array(rows, NOTE), order=["start", "pitch"]))
    strings = Track(piano.notes, 48)
    song = Song((piano, strings), tempos=(Tempo(0, 6e7 / 545454),))
    strict = [len(training_windows(Multitrack(strict=True, chords=chords), song)[0]) for chords in (False, True)]
    assert strict[1] < strict[0] == 24
    ours = [training_windows(Multitrack(chords=chords), song)[0] for chords in (False, True)]
    assert set(map(bytes, ours[0])) == set(map(bytes, ours[1][:, 0].copy()))


def test_a_trio_without_a_bass_is_reconstructed():
    """The original extracts nothing from a song that lacks one of the three parts, and does not say why."""
    trio = tiny.model(PRESETS[0])
    lonely = band(programs=(73,))
    result = trio.reconstruct(lonely, **WILD)
    assert [one.program for one in result.song.tracks] == [73, 33, 16]
    assert any("no bass: left silent" in sentence for sentence in result.report)
    assert training_windows(trio.representation, lonely)[1] == ["band: no bass"]
