"""Models of music that are conditioned on chords, a key or hits, with random weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tiny

from music.making import WILD, same, sounding
from musicae.errors import ConfigError
from musicae.music.score.score import Tempo


@pytest.fixture(scope="module", params=(tiny.CHORDS, tiny.BAND), ids=lambda preset: preset.name)
def chordal(request):
    return tiny.model(request.param)


@pytest.fixture(scope="module")
def drummer():
    return tiny.model(tiny.HITS)


def triads(model, source) -> list[int]:
    """The triad that each window is conditioned on at its first step."""
    return model.condition(source)[:, 1, :49].argmax(-1).tolist()


def decoded_conditions(monkeypatch, model) -> list:
    """Latent vectors and conditions, an entry for each time that a model decodes."""
    found, likelihoods = [], model.likelihoods

    def noted(z, condition):
        found.append((np.asarray(z), condition.numpy()))
        return likelihoods(z, condition)

    monkeypatch.setattr(model, "likelihoods", noted)
    return found


def test_a_clip_is_as_long_as_its_progression_and_in_one_style(chordal, monkeypatch):
    decodes = decoded_conditions(monkeypatch, chordal)
    clips = chordal.sample(2, chords="Dm F Am", temperature=1.0)
    ((z, condition),) = decodes
    windows = len(z) // 2
    assert windows == -(-3 * 4 * chordal.representation.steps_per_quarter // chordal.representation.steps)
    assert all((z[i] == z[i - i % windows]).all() for i in range(len(z)))
    assert np.array_equal(condition[:windows], condition[windows:])
    source = chordal.blank(chords="Dm F Am")
    assert source.ticks == 3 * 1920
    assert all(clip.end <= source.ticks for clip in clips)
    assert source.excerpt.report == ("follows the chords Dm F Am, one a bar",)
    assert set(condition[..., :49].argmax(-1).ravel().tolist()) - {0} == {15, 6, 22}


def test_without_chords_a_clip_is_not_conditioned_on_any(chordal):
    source = chordal.blank()
    assert triads(chordal, source) == [0]
    assert source.ticks == chordal.blank(1).ticks
    assert not source.excerpt.report


def test_a_short_progression_fills_a_window_again_and_again():
    model = tiny.model(tiny.CHORDS)
    source = model.blank(chords="C")
    assert (len(source.windows), source.ticks) == (1, 2 * 1920)
    assert (model.condition(source)[..., 1] == 1).all()


@pytest.mark.parametrize("metre", ["4/4", "3/4", "5/4"])
def test_other_chords_under_a_song(chordal, metre):
    song = tiny.band(4, metre)
    other = chordal.reconstruct(song, chords="Cdim Gaug", **WILD)
    assert other.report[-1] == "follows the chords Cdim Gaug, one a bar"
    assert not same(other.song, chordal.reconstruct(song, **WILD).song)
    assert same(other.original, chordal.reconstruct(song, **WILD).original)
    assert other.song.time_signatures == song.time_signatures
    source = chordal.conditioned(chordal.extract(song), {"chords": "Cdim Gaug"})
    found = set(chordal.condition(source)[..., :49].argmax(-1).unique().tolist())
    assert found - {0} == {37, 32}
    assert np.array_equal(chordal.encode(song), chordal.encode_windows(chordal.extract(song).windows))


def test_a_style_is_decoded_over_a_progression_that_continues(chordal, monkeypatch):
    bars = 2 if chordal.name == "tiny-chords" else 1
    a, b = tiny.band(4), tiny.band(4, pitch=55)
    decodes = decoded_conditions(monkeypatch, chordal)
    between = chordal.interpolate(a, b, 4, bars=(1, bars), chords="C F G")
    steps = [condition[:, 1::16, :49].argmax(-1)[0] for _, condition in decodes]
    if bars == 1:
        assert [step[0].item() for step in steps] == [1, 6, 8, 1]
    else:
        assert [step.tolist() for step in steps] == [[1, 6], [8, 1], [6, 8], [1, 6]]
    assert between.report[0][-1] == "follows the chords C F G, one a bar"
    assert between.song.end <= 4 * bars * 1920
    assert same(between.songs[0], chordal.reconstruct(a, bars=(1, bars), chords="C F G").song)


def test_each_step_is_conditioned_on_the_chords_of_the_nearer_song(chordal, monkeypatch):
    a, b = tiny.band(2), tiny.band(2, pitch=54)
    own = [chordal.condition(chordal.extract(song)).numpy() for song in (a, b)]
    assert not np.array_equal(*own)
    decodes = decoded_conditions(monkeypatch, chordal)
    chordal.interpolate(a, b, 5)
    assert [np.array_equal(condition, own[0]) for _, condition in decodes] == [True, True, True, False, False]
    assert np.array_equal(decodes[-1][1], own[1])


def test_only_the_key_is_replaced():
    model = tiny.model(tiny.CHORDS)
    source = model.extract(tiny.band(4))
    conditioned = model.conditioned(source, {"key": "F#", "chords": None})
    before, after = (model.condition(one) for one in (source, conditioned))
    assert (after[..., 49:].argmax(-1) == 6).all()
    assert np.array_equal(before[..., :49], after[..., :49])


def test_hits_are_played_in_their_own_tempo_and_metre(drummer):
    beat = tiny.band(5, "3/4", stride=2, tempos=(Tempo(0, 66.0),))
    clips = drummer.sample(2, hits=beat, temperature=1.0)
    assert not same(*clips)
    for clip in clips:
        assert (clip.tempos, clip.time_signatures) == (beat.tempos, beat.time_signatures)
        assert clip.tracks[0].name == "Kit"
    source = drummer.blank(hits=beat)
    own = drummer.extract(beat)
    assert np.array_equal(drummer.condition(source), drummer.condition(own))
    assert source.excerpt.report == ("plays the hits of song: took track 3 'Kit'",)
    assert len(source.windows) == 3


def test_the_hits_conditioned_on_are_played_and_no_others(drummer):
    """The network decides only how loud, early or late they are."""
    beat = tiny.band(5, "3/4")
    step, _, pitch = drummer.representation.decode(drummer.extract(beat).excerpt.array)
    for clip in drummer.sample(2, hits=beat, temperature=1.0):
        played, _, drums = drummer.representation.decode(drummer.extract(clip).excerpt.array)
        assert np.array_equal(played, step)
        assert np.array_equal(drums, pitch)
    again = drummer.reconstruct(beat)
    played, _, drums = drummer.representation.decode(drummer.extract(again.song).excerpt.array)
    assert np.array_equal(played, step)
    assert np.array_equal(drums, pitch)


def test_strict_grooves_keep_the_hits_of_the_network(drummer):
    """As the original does, whatever it is conditioned on."""
    window = drummer.representation.shape
    x, condition = np.random.default_rng(0).random((2, *window)), np.ones((2, window[1], 9))
    representation = replace(drummer.representation, strict=True)
    assert np.array_equal(representation.enforce_condition(x, condition), x)


def test_the_groove_of_a_song_is_transferred_to_other_hits(drummer, monkeypatch):
    style, beat = tiny.band(4), tiny.band(9, stride=3, tempos=(Tempo(0, 66.0),))
    z = drummer.encode(style)
    decodes = decoded_conditions(monkeypatch, drummer)
    there = drummer.reconstruct(style, hits=beat)
    ((used, condition),) = decodes
    assert np.array_equal(used, z[[0, 1, 0, 1, 0]])
    assert np.array_equal(condition, drummer.condition(drummer.extract(beat)))
    assert there.song.tempos == beat.tempos
    assert sounding(there.original) == sounding(drummer.reconstruct(beat).original)
    assert there.report[-1].startswith("plays the hits of song: took track 3 'Kit'")
    assert len(drummer.vary(style, 2, hits=beat)) == 2


def test_what_a_model_was_conditioned_on_is_not_among_its_figures(drummer):
    beat, style = tiny.band(stride=3), tiny.band(stride=7)
    assert drummer.reconstruct(style, hits=beat).figures == {}
    assert set(drummer.reconstruct(style).figures) == {"timing_error_steps", "timing_error_ms", "velocity_error"}


def test_the_same_hits_from_groove_to_groove(drummer):
    a, b, beat = tiny.band(4), tiny.band(4, stride=7), tiny.band(2, stride=3, tempos=(Tempo(0, 66.0),))
    between = drummer.interpolate(a, b, 3, hits=beat, **WILD)
    assert between.latents.shape == (3, 1, 4)
    assert same(between.songs[0], drummer.reconstruct(a, hits=beat, **WILD).song)
    assert sounding(between.songs[-1]) == sounding(drummer.reconstruct(b, hits=beat, **WILD).song)
    assert between.ticks == 2 * 1920
    assert between.song.tempos == beat.tempos


def test_what_a_model_is_not_conditioned_on_is_refused(member):
    song = tiny.band()
    for name, value in {"chords": "C", "key": "C", "hits": song}.items():
        if name in member.representation.conditioning.names:
            continue
        for verb in (
            member.reconstruct,
            member.vary,
            lambda s, **conditions: member.interpolate(s, s, 2, **conditions),
        ):
            with pytest.raises(ConfigError, match=f"{member.name} cannot .*leave {name} out"):
                verb(song, **{name: value})
        with pytest.raises(ConfigError, match=f"{member.name} cannot .*leave {name} out"):
            member.sample(1, **{name: value})


def test_vectors_of_one_style_each_bar_over_a_progression():
    model = tiny.model(tiny.BAND)
    z = model.draw(2)
    song = model.decode(np.concatenate([z, z]), chords="C F G", temperature=1.0)
    assert song.end <= 4 * 1920
