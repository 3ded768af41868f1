"""The verbs of a model of music, on models with random weights: what holds whatever a model has learnt."""

from __future__ import annotations

import io
from dataclasses import replace

import mido
import numpy as np
import pytest
import tiny

import musicae
from music.making import WILD, same, sounding
from musicae.errors import ConfigError
from musicae.loading import PRETRAINED
from musicae.music.score.score import Tempo, TimeSignature, Track
from musicae.music.song import Song


def silenced(model, monkeypatch):
    """A model that decodes everything to silence."""
    silence = model.blank(1).windows
    monkeypatch.setattr(model, "_decoded", lambda z, *_, **__: np.repeat(silence, len(z), 0))
    return model


# Interpolation ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "bars"),
    [
        ((4, "4/4"), (4, "4/4"), 4),
        ((1, "4/4"), (1, "4/4"), 2),  # padded to a window
        ((1, "3/4"), (8, "4/4"), 2),  # a window holds two bars of 3/4
        ((8, "4/4"), (1, "3/4"), 2),
        ((5, "5/4"), (3, "7/8"), 3),
        ((3, "7/8"), (5, "12/8"), 3),
        ((5, "12/8"), (2, "3/4"), 1),
        ((3, "9/4"), (3, "4/4"), 2),  # a bar longer than a window
        ((1, "2/4"), (1, "5/8"), 4),
        ((3, "4/4"), (9, "4/4"), 3),
        ((9, "6/8"), (2, "4/4"), 3),
    ],
)
def test_each_step_has_as_many_bars_as_both_songs_reach(melody, a, b, bars):
    between = melody.interpolate(tiny.song(*a), tiny.song(*b, pitch=55), 3, **WILD)
    numerator, denominator = map(int, a[1].split("/"))
    length = bars * numerator * 4 * 480 // denominator
    assert between.ticks == length
    assert len(between.songs) == 3
    assert all(step.end <= length for step in between.songs)
    whole = Song.read(between.song.to_bytes())
    assert whole.time_signatures == (TimeSignature(0, numerator, denominator),)
    notes = np.concatenate([step.tracks[0].notes["start"] + i * length for i, step in enumerate(between.songs)])
    assert whole.tracks[0].notes["start"].tolist() == notes.tolist()
    assert between.song.bars_end <= 3 * length
    assert all(original.end <= length for original in between.originals)


def test_the_ends_are_the_reconstructions(model):
    a, b = tiny.song(7), tiny.song(7, pitch=52)
    between = model.interpolate(a, b, 5, **WILD)
    assert same(between.songs[0], model.reconstruct(a, **WILD).song)
    assert between.songs[-1].tracks[0].notes.tolist() == model.reconstruct(b, **WILD).song.tracks[0].notes.tolist()


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_identical_songs_give_the_same_music_in_every_step(model, linear, temperature):
    between = model.interpolate(tiny.song(5), tiny.song(5), 4, linear=linear, temperature=temperature)
    assert all(same(step, between.songs[0]) for step in between.songs)


def test_the_path_from_b_to_a_is_that_from_a_to_b_reversed(melody):
    songs = tiny.song(), tiny.song(4, pitch=50)
    there, again, back = (melody.interpolate(*pair, 5, keys="none").latents for pair in (songs, songs, songs[::-1]))
    assert np.array_equal(there, again)
    assert np.allclose(there, back[::-1], atol=1e-6)


def test_what_comes_out_is_like_a(model):
    changes = {"tempos": (Tempo(0, 77.0), Tempo(1920, 133.0)), "key_signatures": ()}
    a = tiny.song(4, "3/4", **changes)
    whole = Song.read(model.interpolate(a, tiny.song(4), 3, **WILD).song.to_bytes())
    assert [round(tempo.quarters_per_minute) for tempo in whole.tempos] == [77, 133] * 3
    assert whole.time_signatures == a.time_signatures
    assert (whole.tracks[0].program, whole.tracks[0].name) == (73, "Flöte")


def test_unequal_songs_are_reported(melody):
    report = melody.interpolate(tiny.song(9), tiny.song(3, "3/4"), 2).report
    assert report[0][1:] == ["the first song is 24 beats longer; its end was left out"]
    padded = "3 beats of silence added at the end of the second song"
    assert report[1][1:] == [padded, "laid from 3/4 on bars of 4/4"]
    report = melody.interpolate(tiny.song(6), tiny.song(5), 2).report
    assert report[0][1:] == ["the first song is 4 beats longer; its end was left out"]
    assert not report[1][1:]
    assert melody.interpolate(tiny.song(6), tiny.song(6, pitch=50), 2).report[0] == [
        "took track 1 'Flöte' (the only one with pitched notes)"
    ]


def test_metre_changes_of_a_song_are_in_every_step(melody):
    metres = (TimeSignature(0, 4, 4), TimeSignature(2 * 1920, 3, 4))
    a = tiny.song(8, time_signatures=metres)
    between = melody.interpolate(a, tiny.song(8, pitch=50), 2, **WILD)
    length = between.ticks
    changes = [(s.tick % length, s.numerator) for s in between.song.time_signatures]
    assert length == 2 * 1920 + 8 * 1440
    assert changes == [(0, 4), (3840, 3)] * 2


def test_a_change_after_the_bars_asked_for_does_not_reach_the_padding(melody):
    a = tiny.song(4, time_signatures=(TimeSignature(0, 4, 4), TimeSignature(1920, 3, 4)))
    between = melody.interpolate(a, a, 2, bars=(1, 1))
    assert between.ticks == 2 * 1920
    assert between.song.time_signatures == (TimeSignature(0, 4, 4),)


# The other verbs ----------------------------------------------------------------------------------


def test_the_figures_of_a_reconstruction(melody, monkeypatch):
    song = tiny.song(5)
    monkeypatch.setattr(melody, "_decoded", lambda *_, **__: melody.extract(song).windows)
    right = melody.reconstruct(song)
    assert right.figures == dict.fromkeys(("note_accuracy", "step_accuracy", "onset_f1", "whole_windows"), 1)
    assert same(right.song, right.original)
    figures = silenced(melody, monkeypatch).reconstruct(song).figures
    assert (figures["note_accuracy"], figures["onset_f1"], figures["whole_windows"]) == (0, 0, 0)


def test_clips_depend_on_the_seed_alone(model):
    clips = [model.sample(3, seed=seed, temperature=1.0) for seed in (1, 1, 2)]
    assert all(map(same, clips[0], clips[1]))
    assert not all(map(same, clips[0], clips[2]))
    assert all(clip.end <= model.blank(1).ticks == 2 * 1920 for clip in clips[0])
    with pytest.raises(ConfigError, match="0 clips"):
        model.sample(0)


def test_windows_that_end_within_a_bar_are_clips_too():
    odd = tiny.model(replace(tiny.MELODY, representation=replace(tiny.MELODY.representation, steps=24)))
    assert odd.blank(1).ticks == 2 * 1920
    assert all(clip.end <= 6 * 480 for clip in odd.sample(3, temperature=1.0))


def test_variations_begin_at_the_song(model):
    song = tiny.song(5)
    varied = model.vary(song, 2, strength=0.0)
    assert all(same(v, varied.original) for v in varied)
    assert varied.kept == [1.0, 1.0]
    strong = model.vary(song, 2, strength=1.0, **WILD)
    assert not same(*strong)
    with pytest.raises(ConfigError, match="strength 2"):
        model.vary(song, strength=2)


def test_evaluation_has_every_figure(model):
    from musicae.music.data.windows import Windows

    windows = np.concatenate([model.extract(tiny.song(8, pitch=p)).windows for p in (55, 60)])
    seen = []
    figures = model.evaluate(Windows(windows, model.representation), progress=seen.append)
    assert sum(seen) == figures["examples"] == len(windows)
    assert figures["elbo"] == pytest.approx(-figures["rate"] - figures["distortion"])
    for z in ("mean", "sample"):
        assert set(figures[z]) == {"greedy", "temperature_1"}
        for ratios in figures[z].values():
            assert set(ratios) == {"step_accuracy", "onset_f1", "whole_windows"}
            assert all(0 <= value <= 1 for value in ratios.values())


# The MusicVAE family ------------------------------------------------------------------------------


@pytest.mark.parametrize("metre", ["3/4", "5/4"])
def test_the_whole_family_interpolates_between_its_reconstructions(member, metre):
    a, b = tiny.band(3, metre, tempos=(Tempo(0, 77.0), Tempo(1000, 133.0))), tiny.band(3, metre, pitch=55, stride=7)
    between = member.interpolate(a, b, 4, **WILD)
    assert same(between.songs[0], member.reconstruct(a, **WILD).song)
    assert sounding(between.songs[-1]) == sounding(member.reconstruct(b, **WILD).song) != sounding(between.songs[0])
    whole = Song.read(between.song.to_bytes())
    assert whole.time_signatures == a.time_signatures
    assert [tempo.quarters_per_minute for tempo in whole.tempos] == pytest.approx([77, 133] * 4, abs=0.01)
    tracks = {(track.program, track.is_drum, track.name) for track in member.extract(a).excerpt.tracks}
    assert {(track.program, track.is_drum, track.name) for track in between.songs[0].tracks} >= tracks
    for step in between.songs:
        assert all((track.notes["start"] >= 0).all() for track in step.tracks)
        assert step.end <= between.ticks + step.ticks_per_quarter
    assert sum(len(track.notes) for track in whole.tracks) > 0


def test_the_whole_family_encodes_decodes_varies_and_samples(member):
    song = tiny.band(5, "3/4")
    there = member.reconstruct(song, **WILD).song
    assert same(member.decode(member.encode(song), like=song, **WILD), there)
    unchanged = member.vary(song, 2, strength=0.0, **WILD)
    assert all(same(v, unchanged.original) for v in unchanged)
    clips = [member.sample(3, seed=seed, temperature=1.0) for seed in (1, 1, 2)]
    assert all(map(same, clips[0], clips[1]))
    assert not all(map(same, clips[0], clips[2]))


@pytest.mark.parametrize("preset", tiny.FAMILY, ids=lambda preset: preset.name)
def test_drums_and_nothing_else_are_on_channel_ten(preset):
    model = tiny.model(preset)
    for song in (*model.sample(2, temperature=1.0), model.reconstruct(tiny.band(), **WILD).song):
        file = mido.MidiFile(file=io.BytesIO(song.to_bytes()))
        sounding = [track for track in song.tracks if len(track.notes)]
        drums = sum(len(track.notes) for track in sounding if track.is_drum)
        sounded = [m.channel for track in file.tracks for m in track if m.type == "note_on" and m.velocity]
        assert sounded.count(9) == drums
        assert len(sounded) == sum(len(track.notes) for track in sounding)
        assert sounded


def test_the_whole_family_is_measured(member):
    from musicae.music.data.windows import Windows

    windows = member.extract(tiny.band(8)).windows
    figures = member.evaluate(Windows(windows, member.representation))
    assert figures["examples"] == len(windows)
    assert {"step_accuracy", "onset_f1", "whole_windows"} <= set(figures["mean"]["greedy"])


# The model that ships -----------------------------------------------------------------------------


SHIPPED = pytest.mark.skipif(not (PRETRAINED / "melody-2bar" / "model.safetensors").exists(), reason="no weights here")


@SHIPPED
def test_the_model_that_ships_reconstructs_a_tune_and_silence():
    model = musicae.load()
    tune = [(0, 60), (1, 60), (2, 67), (3, 67), (4, 69), (5, 69), (6, 67), (8, 65), (9, 65), (10, 64), (11, 64)]
    rows = [(480 * i, 480 * (i + 1), pitch, 80) for i, pitch in tune]
    song = Song((Track(np.array(rows, tiny.NOTE)),))
    assert model.reconstruct(song).figures["note_accuracy"] > 0.9
    rests = Song((Track(np.array([rows[0], (480 * 60, 480 * 61, 60, 80)], tiny.NOTE)),))
    starts = model.reconstruct(rests).song.tracks[0].notes["start"]
    assert not ((starts >= 480 * 8) & (starts < 480 * 56)).any()
