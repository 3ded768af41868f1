"""The verbs of a model of music, on models with random weights: what holds whatever a model has learnt."""

from __future__ import annotations

import io
from dataclasses import replace

import mido
import numpy as np
import pytest
import tiny

import musicae
from musicae.errors import ConfigError, MidiError, NoWindows
from musicae.loading import PRETRAINED
from musicae.music.score.score import Tempo, TimeSignature, Track
from musicae.music.song import Song

WILD = {"temperature": 1.0, "seed": 3}  # random weights say little when greedy
SHIPPED = pytest.mark.skipif(not (PRETRAINED / "melody-2bar" / "model.safetensors").exists(), reason="no weights here")


@pytest.fixture(scope="module", params=tiny.MUSIC, ids=lambda preset: preset.name)
def model(request):
    return tiny.model(request.param)


@pytest.fixture(scope="module")
def melody():
    return tiny.model(tiny.MELODY)


def silenced(model, monkeypatch):
    """A model that answers everything with silence."""
    silence = model.blank(1).windows
    monkeypatch.setattr(model, "_decoded", lambda z, *_, **__: np.repeat(silence, len(z), 0))
    return model


def same(a: Song, b: Song) -> bool:
    return a.to_bytes() == b.to_bytes()


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


def test_steps_that_end_in_silence_keep_their_bars(melody, monkeypatch):
    between = melody.interpolate(tiny.song(8), tiny.song(8, pitch=50), 3)
    bars = [[], [], [(0, 480, 60, 80)]]
    notes = [np.array(rows, tiny.NOTE) for rows in bars]
    songs = [replace(step, tracks=(Track(n),)) for step, n in zip(between.songs, notes, strict=True)]
    whole = replace(between, songs=songs).song
    assert whole.tracks[0].notes["start"].tolist() == [2 * 8 * 4 * 480]


def test_the_ends_are_what_the_model_gives_back(model):
    a, b = tiny.song(7), tiny.song(7, pitch=52)
    between = model.interpolate(a, b, 5, **WILD)
    assert same(between.songs[0], model.reconstruct(a, **WILD).song)
    assert between.songs[-1].tracks[0].notes.tolist() == model.reconstruct(b, **WILD).song.tracks[0].notes.tolist()


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_identical_songs_give_the_same_music_in_every_step(model, linear, temperature):
    between = model.interpolate(tiny.song(5), tiny.song(5), 4, linear=linear, temperature=temperature)
    assert all(same(step, between.songs[0]) for step in between.songs)


def test_the_way_from_b_to_a_is_the_way_back(melody):
    there, back = (melody.interpolate(*pair, 5).latents for pair in [(tiny.song(), tiny.song(4, pitch=50))] * 2)
    assert np.array_equal(there, back)
    back = melody.interpolate(tiny.song(4, pitch=50), tiny.song(), 5).latents
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


def test_metre_changes_of_a_song_come_back_in_every_step(melody):
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


# Excerpt ------------------------------------------------------------------------------------------


def test_a_song_can_be_anything_that_reads_as_one(melody, tmp_path):
    song = tiny.song()
    path = song.save(tmp_path / "song.mid")
    sources = [song, path, str(path), path.read_bytes(), song.to_pretty_midi(), song.to_symusic()]
    codes = [melody.encode(source) for source in sources]
    assert all(np.array_equal(code, codes[0]) for code in codes)
    assert codes[0].shape == (2, 4)
    assert codes[0].dtype == np.float32


def test_bars_and_tracks_are_chosen(melody):
    song = tiny.song(8)
    other = replace(song.tracks[0], notes=tiny.song(8, pitch=40).tracks[0].notes, name="Lower")
    song = replace(song, tracks=(*song.tracks, other))
    assert len(melody.encode(song, bars=(3, 4))) == 1
    for track in (2, "2", "low"):
        assert np.array_equal(melody.encode(song, track), melody.encode(tiny.song(8, pitch=40)))
    with pytest.raises(ConfigError, match=r"song: no bars 8 to 9; it has bars 1 to 8"):
        melody.encode(song, bars=(8, 9))
    with pytest.raises(ConfigError, match=r"no track 'x'; tracks: 1 'Flöte'"):
        melody.encode(song, "x")


def test_what_holds_no_melody_is_refused(melody):
    drums = replace(tiny.song(), tracks=(replace(tiny.song().tracks[0], is_drum=True),))
    with pytest.raises(NoWindows, match="only drums"):
        melody.reconstruct(drums)
    with pytest.raises(MidiError, match="is empty"):
        melody.reconstruct(b"")


def test_repairs_are_reported(melody):
    report = melody.reconstruct(replace(tiny.song(), changes=("1 track had no end",))).report
    assert report[0] == "1 track had no end"


# Back ---------------------------------------------------------------------------------------------


def test_encoding_and_decoding_is_reconstructing(model):
    song = tiny.song(5, "3/4")
    assert same(model.decode(model.encode(song), like=song, **WILD), model.reconstruct(song, **WILD).song)
    assert same(model.decode(model.encode(song), like=model.extract(song)), model.reconstruct(song).song)


def test_fewer_vectors_give_fewer_bars(model):
    song = tiny.song(8)
    part = model.decode(model.encode(song)[:2], like=song, **WILD)
    assert part.end <= 4 * 1920
    assert part.tempos == song.tempos


def test_vectors_of_no_song_give_common_time(model):
    song = model.decode(np.zeros(4), **WILD)
    assert song.time_signatures == (TimeSignature(0, 4, 4),)
    assert song.end <= 2 * 1920


@pytest.mark.parametrize("z", [np.zeros((2, 5)), np.zeros((0, 4)), np.zeros((1, 2, 4)), 0.0])
def test_vectors_of_another_model_are_refused(melody, z):
    with pytest.raises(ConfigError, match=r"tiny-melody decodes \[windows, 4\]"):
        melody.decode(z)


def test_more_vectors_than_windows_are_refused(melody):
    with pytest.raises(ConfigError, match="3 latent vectors for 2 windows"):
        melody.decode(np.zeros((3, 4)), like=tiny.song(4))


@pytest.mark.parametrize(
    "options",
    [{"temperature": -1.0}, {"temperature": float("nan")}, {"temperature": float("inf")}]
    + [{"top_p": value} for value in (0.0, -1.0, 1.5, float("nan"))],
)
def test_impossible_ways_of_drawing_are_refused(melody, options):
    with pytest.raises(ConfigError, match=next(iter(options)).replace("_", "-")):
        melody.sample(1, **options)


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


def test_variations_begin_at_the_reconstruction(model):
    song = tiny.song(5)
    assert all(same(v, model.reconstruct(song).song) for v in model.vary(song, 2, strength=0.0))
    strong = model.vary(song, 2, strength=1.0, **WILD)
    assert not same(*strong)
    with pytest.raises(ConfigError, match="strength 2"):
        model.vary(song, strength=2)


def test_evaluation_says_what_it_promises(model):
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


@pytest.fixture(scope="module", params=tiny.FAMILY, ids=lambda preset: preset.name)
def member(request):
    return tiny.model(request.param)


def notes(song: Song) -> list:
    """What sounds when, track by track, whatever the tracks are called and however loud they are."""
    return [(t.program, t.is_drum, t.notes[["start", "end", "pitch"]].tolist()) for t in song.tracks if len(t.notes)]


@pytest.mark.parametrize("metre", ["3/4", "5/4"])
def test_the_whole_family_interpolates_between_its_reconstructions(member, metre):
    a, b = tiny.band(3, metre, tempos=(Tempo(0, 77.0), Tempo(1000, 133.0))), tiny.band(3, metre, pitch=55, stride=7)
    between = member.interpolate(a, b, 4, **WILD)
    assert same(between.songs[0], member.reconstruct(a, **WILD).song)
    assert notes(between.songs[-1]) == notes(member.reconstruct(b, **WILD).song) != notes(between.songs[0])
    whole = Song.read(between.song.to_bytes())
    assert whole.time_signatures == a.time_signatures
    assert [tempo.quarters_per_minute for tempo in whole.tempos] == pytest.approx([77, 133] * 4, abs=0.01)
    heard = {(track.program, track.is_drum, track.name) for track in member.extract(a).excerpt.tracks}
    assert {(track.program, track.is_drum, track.name) for track in between.songs[0].tracks} >= heard
    for step in between.songs:
        assert all((track.notes["start"] >= 0).all() for track in step.tracks)
        assert step.end <= between.ticks + step.ticks_per_quarter
    assert sum(len(track.notes) for track in whole.tracks) > 0


def test_the_whole_family_encodes_decodes_varies_and_samples(member):
    song = tiny.band(5, "3/4")
    there = member.reconstruct(song, **WILD).song
    assert same(member.decode(member.encode(song), like=song, **WILD), there)
    assert all(same(v, there) for v in member.vary(song, 2, strength=0.0, **WILD))
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
        struck = [m.channel for track in file.tracks for m in track if m.type == "note_on" and m.velocity]
        assert struck.count(9) == drums
        assert len(struck) == sum(len(track.notes) for track in sounding)
        assert struck


def test_the_whole_family_is_measured(member):
    from musicae.music.data.windows import Windows

    windows = member.extract(tiny.band(8)).windows
    figures = member.evaluate(Windows(windows, member.representation))
    assert figures["examples"] == len(windows)
    assert {"step_accuracy", "onset_f1", "whole_windows"} <= set(figures["mean"]["greedy"])


# Told ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=(tiny.CHORDS, tiny.BAND), ids=lambda preset: preset.name)
def chordal(request):
    return tiny.model(request.param)


@pytest.fixture(scope="module")
def drummer():
    return tiny.model(tiny.HITS)


def triads(model, passage) -> list[int]:
    """The triad at the first step of each window that is told one."""
    return model.condition(passage)[:, 1, :49].argmax(-1).tolist()


def listening(monkeypatch, model) -> list:
    """What a model is told, one entry for each time that it decodes."""
    told, decode = [], model.from_latent

    def noted(z, temperature, top_p, seed, condition, *rest):
        told.append((np.asarray(z), condition.numpy()))
        return decode(z, temperature, top_p, seed, condition, *rest)

    monkeypatch.setattr(model, "from_latent", noted)
    return told


def test_a_clip_is_as_long_as_its_progression_and_in_one_style(chordal, monkeypatch):
    told = listening(monkeypatch, chordal)
    clips = chordal.sample(2, chords="Dm F Am", temperature=1.0)
    ((z, condition),) = told
    windows = len(z) // 2
    assert windows == -(-3 * 4 * chordal.representation.steps_per_quarter // chordal.representation.steps)
    assert all((z[i] == z[i - i % windows]).all() for i in range(len(z)))
    assert np.array_equal(condition[:windows], condition[windows:])
    passage = chordal.blank(chords="Dm F Am")
    assert passage.ticks == 3 * 1920
    assert all(clip.end <= passage.ticks for clip in clips)
    assert passage.excerpt.report == ("follows the chords Dm F Am, one a bar",)
    assert set(condition[..., :49].argmax(-1).ravel().tolist()) - {0} == {15, 6, 22}


def test_without_chords_a_clip_is_told_none(chordal):
    passage = chordal.blank()
    assert triads(chordal, passage) == [0]
    assert passage.ticks == chordal.blank(1).ticks
    assert not passage.excerpt.report


def test_a_short_progression_fills_a_window_again_and_again():
    model = tiny.model(tiny.CHORDS)
    passage = model.blank(chords="C")
    assert (len(passage.windows), passage.ticks) == (1, 2 * 1920)
    assert (model.condition(passage)[..., 1] == 1).all()


@pytest.mark.parametrize("metre", ["4/4", "3/4", "5/4"])
def test_other_chords_under_a_song(chordal, metre):
    song = tiny.band(4, metre)
    other = chordal.reconstruct(song, chords="Cdim Gaug", **WILD)
    assert other.report[-1] == "follows the chords Cdim Gaug, one a bar"
    assert not same(other.song, chordal.reconstruct(song, **WILD).song)
    assert same(other.original, chordal.reconstruct(song, **WILD).original)
    assert other.song.time_signatures == song.time_signatures
    passage = chordal.conditioned(chordal.extract(song), {"chords": "Cdim Gaug"})
    found = set(chordal.condition(passage)[..., :49].argmax(-1).unique().tolist())
    assert found - {0} == {37, 32}
    assert np.array_equal(chordal.encode(song), chordal.encode_windows(chordal.extract(song).windows))


def test_a_style_goes_over_a_progression_that_goes_on(chordal, monkeypatch):
    bars = 2 if chordal.name == "tiny-chords" else 1
    a, b = tiny.band(4), tiny.band(4, pitch=55)
    told = listening(monkeypatch, chordal)
    between = chordal.interpolate(a, b, 4, bars=(1, bars), chords="C F G")
    steps = [condition[:, 1::16, :49].argmax(-1)[0] for _, condition in told]
    if bars == 1:
        assert [step[0].item() for step in steps] == [1, 6, 8, 1]
    else:
        assert [step.tolist() for step in steps] == [[1, 6], [8, 1], [6, 8], [1, 6]]
    assert between.report[0][-1] == "follows the chords C F G, one a bar"
    assert between.song.end <= 4 * bars * 1920
    assert same(between.songs[0], chordal.reconstruct(a, bars=(1, bars), chords="C F G").song)


def test_each_step_is_told_what_the_nearer_song_has(chordal, monkeypatch):
    a, b = tiny.band(2), tiny.band(2, pitch=54)
    own = [chordal.condition(chordal.extract(song)).numpy() for song in (a, b)]
    assert not np.array_equal(*own)
    told = listening(monkeypatch, chordal)
    chordal.interpolate(a, b, 5)
    assert [np.array_equal(condition, own[0]) for _, condition in told] == [True, True, True, False, False]
    assert np.array_equal(told[-1][1], own[1])


def test_only_the_key_is_replaced():
    model = tiny.model(tiny.CHORDS)
    passage = model.extract(tiny.band(4))
    told = model.conditioned(passage, {"key": "F#", "chords": None})
    before, after = (model.condition(one) for one in (passage, told))
    assert (after[..., 49:].argmax(-1) == 6).all()
    assert np.array_equal(before[..., :49], after[..., :49])


def test_hits_are_played_in_their_own_tempo_and_metre(drummer):
    beat = tiny.band(5, "3/4", stride=2, tempos=(Tempo(0, 66.0),))
    clips = drummer.sample(2, hits=beat, temperature=1.0)
    assert not same(*clips)
    for clip in clips:
        assert (clip.tempos, clip.time_signatures) == (beat.tempos, beat.time_signatures)
        assert clip.tracks[0].name == "Kit"
    passage = drummer.blank(hits=beat)
    heard = drummer.extract(beat)
    assert np.array_equal(drummer.condition(passage), drummer.condition(heard))
    assert passage.excerpt.report == ("plays the hits of song: took track 3 'Kit'",)
    assert len(passage.windows) == 3


def test_hits_that_are_told_are_played_and_no_others(drummer):
    """Whatever the network makes of them: only how loud, early or late is its own."""
    beat = tiny.band(5, "3/4")
    step, _, pitch = drummer.representation.decode(drummer.extract(beat).excerpt.array)
    for clip in drummer.sample(2, hits=beat, temperature=1.0):
        played, _, drums = drummer.representation.decode(drummer.extract(clip).excerpt.array)
        assert np.array_equal(played, step)
        assert np.array_equal(drums, pitch)
    again = drummer.reconstruct(beat)
    assert again.figures["hit_precision"] == again.figures["hit_recall"] == 1.0


def test_the_groove_of_a_song_is_transferred_to_other_hits(drummer, monkeypatch):
    style, beat = tiny.band(4), tiny.band(9, stride=3, tempos=(Tempo(0, 66.0),))
    z = drummer.encode(style)
    told = listening(monkeypatch, drummer)
    there = drummer.reconstruct(style, hits=beat)
    ((used, condition),) = told
    assert np.array_equal(used, z[[0, 1, 0, 1, 0]])
    assert np.array_equal(condition, drummer.condition(drummer.extract(beat)))
    assert there.song.tempos == beat.tempos
    assert notes(there.original) == notes(drummer.reconstruct(beat).original)
    assert there.report[-1].startswith("plays the hits of song: took track 3 'Kit'")
    assert len(drummer.vary(style, 2, hits=beat)) == 2


def test_the_same_hits_from_groove_to_groove(drummer):
    a, b, beat = tiny.band(4), tiny.band(4, stride=7), tiny.band(2, stride=3, tempos=(Tempo(0, 66.0),))
    between = drummer.interpolate(a, b, 3, hits=beat, **WILD)
    assert between.latents.shape == (3, 1, 4)
    assert same(between.songs[0], drummer.reconstruct(a, hits=beat, **WILD).song)
    assert notes(between.songs[-1]) == notes(drummer.reconstruct(b, hits=beat, **WILD).song)
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


# The model that ships -----------------------------------------------------------------------------


@SHIPPED
def test_the_model_that_ships_gives_back_a_tune_and_silence():
    model = musicae.load()
    tune = [(0, 60), (1, 60), (2, 67), (3, 67), (4, 69), (5, 69), (6, 67), (8, 65), (9, 65), (10, 64), (11, 64)]
    rows = [(480 * i, 480 * (i + 1), pitch, 80) for i, pitch in tune]
    song = Song((Track(np.array(rows, tiny.NOTE)),))
    assert model.reconstruct(song).figures["note_accuracy"] > 0.9
    rests = Song((Track(np.array([rows[0], (480 * 60, 480 * 61, 60, 80)], tiny.NOTE)),))
    starts = model.reconstruct(rests).song.tracks[0].notes["start"]
    assert not ((starts >= 480 * 8) & (starts < 480 * 56)).any()
