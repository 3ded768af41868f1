from __future__ import annotations

import io
import wave

import numpy as np
import pytest

from musicae.errors import Error
from musicae.music.render import audio
from musicae.music.score.controls import BEND, CONTROL, EXPRESSION, PAN, PEDAL, VOLUME
from musicae.music.score.note_arrays import NOTE
from musicae.music.score.score import Tempo, Track
from musicae.music.song import Song


def song_of(*notes, tempos=Song.tempos, **track):
    """A song of (start, end, pitch, velocity) in ticks of 1/480 quarter."""
    return Song((Track(np.array(list(notes), NOTE), **track),), tempos=tempos)


def decoded(data):
    """(rate, samples [frames, channels] in -1..1)"""
    with wave.open(io.BytesIO(data)) as file:
        assert file.getsampwidth() == 2
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return file.getframerate(), samples.reshape(-1, file.getnchannels()) / 32767


SCALE = song_of(*((480 * i, 480 * i + 480, 60 + i, 80) for i in range(4)))


@pytest.mark.parametrize(("small", "rate", "channels"), [(False, 48_000, 2), (True, 22_050, 1)])
def test_lasts_two_seconds_longer_than_the_song_with_its_peak_at_minus_one_decibel(small, rate, channels):
    found, samples = decoded(audio.render(SCALE, small=small))
    assert (found, samples.shape[1]) == (rate, channels)
    assert len(samples) == round((SCALE.seconds + 2) * rate)
    assert 20 * np.log10(abs(samples).max()) == pytest.approx(-1, abs=0.05)


def test_the_last_note_dies_away_after_its_end_and_then_there_is_silence():
    rate, samples = decoded(audio.render(song_of((0, 960, 60, 100), program=19)))
    loudness = np.abs(samples[: 3 * rate].reshape(30, -1)).max(axis=1)  # of tenths of seconds
    assert loudness[9] > 0.5
    assert 1e-4 < loudness[10] < loudness[9]
    assert loudness[29] < 1e-3


def test_notes_sound_when_they_begin_and_at_their_pitch():
    rate, samples = decoded(audio.render(song_of((960, 1920, 69, 100)), small=True))
    onset = np.flatnonzero(abs(samples[:, 0]) > 0.05)[0] / rate
    assert onset == pytest.approx(1.0, abs=0.03)
    spectrum = abs(np.fft.rfft(samples[rate : 2 * rate, 0]))
    assert abs(np.argmax(spectrum) - 440) <= 2


def loudness_of(*controls, length=3840, end=None) -> tuple[np.ndarray, np.ndarray, int]:
    """How loud each second is of an organ's note with these controls, at 60 BPM; the samples and their rate."""
    track = {"program": 19, "controls": np.array(list(controls), CONTROL)}
    song = song_of((0, end or length, 60, 90), tempos=(Tempo(0, 60.0),), **track)
    rate, samples = decoded(audio.render(song))
    seconds = samples[: len(samples) // rate * rate].reshape(-1, rate, 2)
    return np.sqrt((seconds**2).mean(axis=(1, 2))), samples, rate


def test_volume_and_expression_are_heard():
    for number in (VOLUME, EXPRESSION):
        loud, *_ = loudness_of((0, number, 127), (1920, number, 0))
        assert loud[5:8].max() < 0.01 * loud[:4].min()
        soft, *_ = loudness_of((0, number, 127), (1920, number, 64))
        assert 0.1 * loud[:4].min() < soft[5:8].min() < soft[5:8].max() < 0.6 * loud[:4].max()


def test_a_bend_is_a_whole_tone():
    _, samples, rate = loudness_of((1920, BEND, 8191))
    low, high = (np.argmax(abs(np.fft.rfft(samples[a * rate : (a + 2) * rate, 0]))) for a in (1, 5))
    assert 12 * np.log2(high / low) % 12 == pytest.approx(2, abs=0.2)  # semitones; an organ has octaves


def test_a_pan_is_heard_on_one_side():
    _, samples, _ = loudness_of((0, PAN, 0))
    left, right = np.abs(samples).max(axis=0)
    assert right < 0.1 * left


def test_the_pedal_holds_a_note_after_its_end():
    loud, samples, rate = loudness_of((0, PEDAL, 127), (2880, PEDAL, 0), end=120)
    assert len(samples) == 8 * rate
    assert loud[:6].min() > 0.5 * loud[:6].max()
    assert loud[7] < 0.05 * loud[0]


@pytest.mark.parametrize("frequency", [55.3, 440.7, 5000.1])
def test_the_smaller_sound_is_the_same_wave(frequency):
    def tone(rate):
        return 10_000 * np.sin(2 * np.pi * frequency * np.arange(round(2.5 * rate)) / rate)

    small = audio._smaller(np.repeat(tone(audio.RATE)[:, None], 2, axis=1).astype(np.int16))[:, 0]
    inner = slice(1000, -1000)  # a tone that begins at once has no limited band
    np.testing.assert_allclose(small[inner], tone(audio.SMALL_RATE)[inner], atol=60)


def test_the_smaller_sound_has_nothing_that_it_cannot_hold():
    tone = 10_000 * np.sin(2 * np.pi * 15_000 * np.arange(audio.RATE) / audio.RATE)
    small = audio._smaller(np.repeat(tone[:, None], 2, axis=1).astype(np.int16))[:, 0]
    assert abs(small[1000:-1000]).max() < 60


def test_parts_of_long_songs_fit_together():
    """One note sounds across the seam of two parts; the sound is compared with that of one part."""
    across = song_of((0, 240, 60, 90), (29 * 960, 32 * 960, 48, 90), (30 * 960, 31 * 960, 60, 90), program=19)
    whole, apart = (decoded(_with_parts_of(seconds, across))[1] for seconds in (1000.0, 30.0))
    difference = np.sqrt(((whole - apart) ** 2).mean() / (whole**2).mean())
    assert difference < 0.05


def _with_parts_of(seconds, song):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audio, "_PART", seconds)
        return audio.render(song)


def test_tempo_changes_after_the_first_part_are_kept():
    slow = song_of((0, 480, 60, 90), (64 * 480, 65 * 480, 60, 90), tempos=(Tempo(0, 120.0), Tempo(63 * 480, 60.0)))
    rate, samples = decoded(audio.render(slow, small=True))
    assert slow.seconds == 33.5
    late = np.flatnonzero(abs(samples[5 * rate :, 0]) > 0.05)[0] / rate + 5
    assert late == pytest.approx(32.5, abs=0.03)


def test_what_is_loud_is_rendered_again_without_clipping():
    generator = np.random.default_rng(0)
    starts = np.sort(generator.integers(0, 960, 200))
    loud = song_of(*((t, t + 960, p, 127) for t, p in zip(starts, generator.integers(30, 90, 200), strict=True)))
    _, samples = decoded(audio.render(Song(loud.tracks * 8)))
    assert (abs(samples) > 0.88).sum() < 20


def test_the_same_song_gives_the_same_bytes():
    assert audio.render(SCALE) == audio.render(SCALE)


@pytest.mark.parametrize("song", [Song(), Song((Track(),))])
def test_without_notes_there_are_two_seconds_of_silence(song):
    rate, samples = decoded(audio.render(song))
    assert len(samples) == 2 * rate
    assert not samples.any()


def test_can_stop_early_and_fades_out():
    rate, samples = decoded(audio.render(SCALE, seconds=1.3))
    assert len(samples) == round(1.3 * rate)
    assert abs(samples[-10:]).max() < 0.01


def test_memory_is_not_asked_for_hours_of_sound():
    endless = song_of((0, 480, 60, 80), (480 * 20_000, 480 * 20_001, 60, 80), tempos=(Tempo(0, 5.0),))
    with pytest.raises(Error, match="choose fewer bars"):
        audio.render(endless)
    assert len(audio.render(endless, seconds=1.0)) == 44 + 48_000 * 4


def test_soundfont_comes_from_the_argument_then_the_environment_then_the_package(tmp_path, monkeypatch):
    monkeypatch.delenv("SOUNDFONT", raising=False)
    shipped = audio.find_soundfont()
    assert shipped.name == "TimGM6mb.sf2"
    mine, other = tmp_path / "mine.sf2", tmp_path / "other.sf2"
    for path in mine, other:
        path.write_bytes(shipped.read_bytes()[:100])
    monkeypatch.setenv("SOUNDFONT", str(other))
    assert audio.find_soundfont() == other
    assert audio.find_soundfont(mine) == mine


@pytest.mark.parametrize("content", [None, b"", b"text", b"RIFF\x00\x00\x00\x00sfbk", "truncated"])
def test_a_bad_soundfont_is_an_error_in_one_line_with_its_name(content, tmp_path):
    path = tmp_path / "bad.sf2"
    if content == "truncated":
        content = audio.find_soundfont().read_bytes()[:1_000_000]
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Error, match=r"bad\.sf2") as caught:
        audio.render(SCALE, path)
    assert "\n" not in str(caught.value)
