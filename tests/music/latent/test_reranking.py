"""Choosing among what a model makes up, on numbers with known odds and on models with random weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tiny
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file

from musicae.after_training import fit_reranker
from musicae.core.directions import DIRECTIONS
from musicae.core.randomness import RandomSource
from musicae.errors import CheckpointError
from musicae.fitting import _clear
from musicae.loading import load
from musicae.music import model as models
from musicae.music.analysis.traits import measure
from musicae.music.data.windows import Windows
from musicae.music.evaluation.two_sample import sampled
from musicae.music.extraction.extract import training_windows
from musicae.music.latent.reranking import (
    FEWEST_NOTES,
    RERANKER,
    Reranker,
    fit,
    fitted,
    inclusion,
    rerank,
    resample,
    with_notes,
)
from musicae.music.options import Decoding

MELODY = tiny.MELODY.representation
KNOWN = Reranker(("density",), np.array([2.0]), np.array([0.5]), np.array([1.0, 2.0, -1.0]))


def melodies(n: int, notes: float, seed: int = 0) -> np.ndarray:
    """Windows of about so many notes."""
    rng = np.random.default_rng(seed)
    windows = np.where(rng.random((n, 32)) < notes / 32, rng.integers(50, 70, (n, 32)), 0)
    windows[:, 0] = 60
    return windows.astype(np.uint8)


def normal(mean: float, deviation: float, n: int = 20_000, seed: int = 0) -> dict[str, np.ndarray]:
    """One attribute."""
    return {"density": np.random.default_rng(seed).normal(mean, deviation, n)}


@pytest.fixture
def model():
    """A model that generates windows of many notes, with a reranker that prefers few."""
    member = tiny.model(tiny.MELODY)
    member.decode_windows = lambda z, *_, seed=0, **__: melodies(len(z), 12, abs(int(1e4 * z.sum())))
    member.reranker = fitted(member, melodies(500, 8))
    return member


# Odds ---------------------------------------------------------------------------------------------


def test_odds_by_hand():
    found = KNOWN.log_odds({"density": np.array([2.0, 2.5, 1.0, np.nan, 9.0])})
    np.testing.assert_allclose(found, [1, 1 + 2 - 1, 1 - 4 - 4, 1, 1 + 6 - 9])


def test_the_odds_of_two_normal_distributions_are_found():
    """ln N(x; 0, 1) / N(x; 1/2, 1) = 1/8 - x/2."""
    x = np.linspace(-2, 2, 9)
    found = fit(normal(0, 1), normal(0.5, 1, seed=1)).log_odds({"density": x})
    np.testing.assert_allclose(found, 1 / 8 - x / 2, atol=0.1)


def test_odds_of_music_are_above_those_of_noise():
    choice = fit(measure(MELODY, melodies(500, 6)), measure(MELODY, melodies(500, 20, 1)))
    music, noise = (choice.log_odds(measure(MELODY, melodies(500, *how))) for how in ((6, 2), (20, 3)))
    assert (music > 0).mean() > 0.9
    assert (noise < 0).mean() > 0.9


def test_an_attribute_that_does_not_vary_is_left_out():
    both = [normal(0, 1, seed=seed) | {"hats": np.zeros(20_000), "swing": np.full(20_000, np.nan)} for seed in (0, 1)]
    assert fit(*both).names == ("density",)
    assert fit({"hats": np.zeros(5)}, {"hats": np.zeros(5)}) is None


# Choosing -----------------------------------------------------------------------------------------


def test_each_is_taken_in_proportion_to_its_odds():
    values = {"density": np.tile([2.0, 2.5, 1.0], 20_000)}
    chosen = rerank(KNOWN.log_odds(values), RandomSource(0).uniform(20_000).numpy())
    assert np.array_equal(chosen // 3, np.arange(20_000))
    odds = np.exp(KNOWN.log_odds(values)[:3])
    np.testing.assert_allclose(np.bincount(chosen % 3, minlength=3) / 20_000, odds / odds.sum(), atol=0.01)


def test_of_many_candidates_those_taken_are_distributed_like_music():
    music, made = normal(0, 1), normal(1, 2, seed=1)
    candidates = normal(1, 2, 64_000, seed=2)
    chances = RandomSource(0).uniform(4000).numpy()
    chosen = candidates["density"][rerank(fit(music, made).log_odds(candidates), chances)]
    assert chosen.mean() == pytest.approx(0, abs=0.1)
    assert chosen.std() == pytest.approx(1, abs=0.1)


def test_one_candidate_is_not_reranked(model, monkeypatch):
    monkeypatch.setattr(models, "CANDIDATES", 1)
    chosen = model.sampled_windows(20, decoding=Decoding(seed=3))
    model.reranker = None
    np.testing.assert_array_equal(chosen, model.sampled_windows(20, decoding=Decoding(seed=3)))


def test_reranked_windows_are_nearer_to_music(model):
    chosen, generated = model.sampled_windows(200, decoding=Decoding(seed=1)), model.decode_windows(model.draw(200, 1))
    music, chosen, generated = (measure(MELODY, one)["density"].mean() for one in (melodies(500, 8), chosen, generated))
    assert abs(chosen - music) < 0.5 * abs(generated - music)


@pytest.mark.parametrize("preset", [tiny.MELODY, tiny.CHORDS, tiny.TRIO, tiny.GROOVE], ids=lambda one: one.name)
def test_clips_are_reranked_by_the_seed_and_evaluated_as_they_are(preset):
    member = tiny.model(preset)
    cut = [training_windows(member.representation, tiny.band(8, stride=i))[0] for i in range(1, 16)]
    windows = np.resize(np.concatenate(cut), (100, *member.representation.shape))
    member.reranker = fitted(member, windows)
    clips = [[clip.to_bytes() for clip in member.sample(4, seed=seed, temperature=1.0)] for seed in (1, 1, 2)]
    assert clips[0] == clips[1] != clips[2]
    if not member.representation.conditioning:
        np.testing.assert_array_equal(
            sampled(member, Windows(windows, member.representation), 4, 1),
            member.sampled_windows(4, decoding=Decoding(seed=1)),
        )


@pytest.mark.parametrize("reranked", [True, False])
@pytest.mark.parametrize("preset", [tiny.MELODY, tiny.CHORDS], ids=lambda one: one.name)
def test_more_clips_begin_with_the_same(preset, reranked):
    """Clips are drawn in blocks: as many as there are, each block is what it is."""
    member = tiny.model(preset)
    member.reranker = KNOWN if reranked else None
    condition = torch.rand(150, member.representation.steps, member.representation.conditioning.size)
    condition = condition if preset is tiny.CHORDS else None
    decoding = Decoding(1.0, seed=5)
    found = member.sampled_windows(150, condition, decoding)
    fewer = member.sampled_windows(128, None if condition is None else condition[:128], decoding)
    np.testing.assert_array_equal(found[:128], fewer)
    assert not np.array_equal(found[:64], found[64:128])


def test_clips_are_made_when_they_are_asked_for():
    member, parts = tiny.model(tiny.MELODY), []
    clips = member.samples(10**9, seed=3, progress=parts.append)
    first = [next(clips).to_bytes() for _ in range(70)]
    assert parts == [64]
    assert first[:64] == [clip.to_bytes() for clip in member.sample(64, seed=3)]


def test_those_chosen_together_are_different_and_in_proportion_to_their_odds():
    values = {"density": np.random.default_rng(0).normal(2, 0.5, 40)}
    chances = np.random.default_rng(1).random(5000)
    taken = np.stack([resample(KNOWN.log_odds(values), 8, chance) for chance in chances])
    assert (np.diff(taken) > 0).all()
    wanted = inclusion(np.exp(KNOWN.log_odds(values)), 8)
    np.testing.assert_allclose(np.bincount(taken.ravel(), minlength=40) / 5000, wanted, atol=0.02)


@given(st.lists(st.floats(1e-20, 1), min_size=1, max_size=30), st.data())
def test_probabilities_are_in_proportion_to_weights_up_to_1(weights, data):
    n = data.draw(st.integers(1, len(weights)))
    found, weights = inclusion(np.array(weights), n), np.array(weights)
    assert found.sum() == pytest.approx(n)
    assert found.max() <= 1 + 1e-9
    free = found < 1 - 1e-9
    np.testing.assert_allclose((found / weights)[free], (found / weights)[free][:1].sum(), rtol=1e-6)
    if free.any():
        assert (found / weights)[~free].max(initial=0) <= (found / weights)[free].max() * (1 + 1e-6)


@pytest.mark.parametrize(("n", "decodes"), [(1, 32), (2, 48), (4, 96), (64, 1536), (65, 1568)])
def test_clips_share_their_candidates(model, monkeypatch, n, decodes):
    decoded = []
    make = model.decode_windows
    monkeypatch.setattr(model, "decode_windows", lambda z, *a, **k: decoded.append(len(z)) or make(z, *a, **k))
    assert len(model.sampled_windows(n)) == n
    assert sum(decoded) == decodes


def test_a_window_of_few_notes_is_no_clip(model):
    """Whatever its odds are, it is taken only if there is no other."""
    few, many = np.ones((3, 32), np.uint8), melodies(3, 12)
    few[:, [0, 8, 16]] = 60
    model.reranker = Reranker(("density",), np.zeros(1), np.ones(1), np.array([0.0, -20.0, 0.0]))
    log_odds = model.reranker.of_clips(MELODY, np.concatenate([few, many]))
    assert (log_odds[:3] == -np.inf).all()
    assert np.isfinite(log_odds[3:]).all()
    assert (resample(log_odds, 3, 0.5) == [3, 4, 5]).all()
    assert (resample(log_odds, 5, 0.5)[2:] == [3, 4, 5]).all()
    assert (resample(log_odds[:3], 2, 0.5) < 3).all()
    assert rerank(log_odds[[0, 3, 1, 4]], np.array([0.001, 0.999])).tolist() == [1, 3]
    assert rerank(log_odds[:2], np.array([0.7])).tolist() == [1]


def test_no_clip_has_few_notes(model, monkeypatch):
    windows = melodies(4000, 4, seed=1)
    assert len(with_notes(MELODY, windows)) < len(windows)
    model.reranker = fitted(model, windows)
    monkeypatch.setattr(model, "decode_windows", lambda z, *_, **__: melodies(len(z), 4, len(z)))
    for n in (1, 3, 64):
        assert (np.sum(model.sampled_windows(n) > 1, axis=1) >= FEWEST_NOTES).all()


def test_a_model_of_silence_has_clips_and_no_reranker(monkeypatch):
    member = tiny.model(tiny.MELODY)
    monkeypatch.setattr(member, "decode_windows", lambda z, *_, **__: np.ones((len(z), 32), np.uint8))
    assert fitted(member, melodies(500, 8)) is None
    member.reranker = KNOWN
    assert member.sampled_windows(3).shape == (3, 32)


def test_clips_longer_than_a_window_are_not_reranked():
    member = tiny.model(tiny.CHORDS)
    before = [clip.to_bytes() for clip in member.sample(2, chords="C G Am F")]
    member.reranker = Reranker(("density",), np.zeros(1), np.ones(1), np.array([0.0, 5.0, 0.0]))
    assert [clip.to_bytes() for clip in member.sample(2, chords="C G Am F")] == before


# Files --------------------------------------------------------------------------------------------


def test_what_is_written_to_a_folder_is_read(tmp_path):
    assert Reranker.load(tmp_path, MELODY) is None
    KNOWN.save(tmp_path)
    found = Reranker.load(tmp_path, MELODY)
    assert found.names == KNOWN.names
    for name, array in load_file(tmp_path / RERANKER).items():
        np.testing.assert_array_equal(array, getattr(KNOWN, name))
        np.testing.assert_array_equal(array, getattr(found, name))


@pytest.mark.parametrize("spoil", [lambda data: b"x", lambda data: data[:-3]])
def test_a_damaged_file_is_an_error(tmp_path, spoil):
    KNOWN.save(tmp_path)
    path = tmp_path / RERANKER
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(CheckpointError, match="damaged"):
        Reranker.load(tmp_path, MELODY)


@pytest.mark.parametrize(
    "changes",
    [
        {"weights": np.full(len(KNOWN.weights), np.nan)},
        {"weights": KNOWN.weights[:-1]},
        {"spreads": 0 * KNOWN.spreads},
        {"means": KNOWN.means[:-1]},
        {"names": ("unknown", *KNOWN.names[1:])},
        {"names": (), "means": np.zeros(0), "spreads": np.zeros(0), "weights": np.zeros(1)},
    ],
    ids=str,
)
def test_one_that_does_not_fit_the_model_or_is_not_finite_is_an_error(tmp_path, changes):
    replace(KNOWN, **changes).save(tmp_path)
    with pytest.raises(CheckpointError, match=r"^[^\n]*choice\.safetensors: damaged[^\n]+$"):
        Reranker.load(tmp_path, MELODY)


def test_a_loaded_model_reranks(tmp_path):
    folder = tiny.folder(tiny.MELODY, tmp_path)
    assert load(folder).reranker is None
    KNOWN.save(folder)
    assert load(folder).reranker.names == KNOWN.names


def test_files_of_another_run_are_cleared(tmp_path):
    for name in (RERANKER, DIRECTIONS):
        (tmp_path / name).write_bytes(b"old")
    _clear(tmp_path, [])
    assert not list(tmp_path.iterdir())


def test_too_few_windows_leave_no_reranker(tmp_path):
    KNOWN.save(tiny.folder(tiny.MELODY, tmp_path))
    member = load(tmp_path)
    fit_reranker(member, Windows(melodies(99, 8), MELODY))
    assert member.reranker is None
    assert not (tmp_path / RERANKER).exists()
    fit_reranker(member, Windows(melodies(100, 8), MELODY))
    assert load(tmp_path).reranker.names == member.reranker.names
