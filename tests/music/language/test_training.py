"""Training of the language model."""

import numpy as np
import torch

from musicae.music.language.context import Bars
from musicae.music.language.model import LanguageModel, Sizes, shipped
from musicae.music.language.training import ABSENT, Line, excerpts, train


def line(seed: int, bars: int = 8) -> Line:
    """Two bars of random notes, repeated: all that comes after them can be known."""
    random = np.random.default_rng(seed)
    motif = np.where(np.arange(32) % 4 == 0, random.integers(40, 60, 32), 0)
    return Line(np.tile(motif, bars // 2), Bars(16 * np.arange(bars + 1)), melody=True)


def test_excerpts_are_the_lines_transposed():
    found = excerpts([line(0), line(1, 20)], np.random.default_rng(0), altered=False)
    tokens = found.tokens.numpy()
    assert np.array_equal(tokens[0, :128], line(0).tokens)
    assert (tokens[0, 128:] == ABSENT).all()
    moved = excerpts([line(0, 4)] * 20, np.random.default_rng(0)).tokens.numpy()[:, :16]
    assert len({int(row[0]) for row in moved}) > 1
    assert len({tuple(np.diff(row[::4])) for row in moved}) == 1


def test_training_learns_to_repeat():
    torch.manual_seed(0)
    model = LanguageModel(Sizes(units=32, dropout=0.0))
    held_out = excerpts([line(100)], np.random.default_rng(0), altered=False)
    before = held_out.nats(model).item()
    said: list[str] = []
    train(model, [line(seed) for seed in range(40)], [line(100)], 60, say=said.append)
    assert held_out.nats(model.eval()).item() < before * 0.75
    assert len(said) == 1


def test_the_model_that_ships_knows_more_of_a_melody_than_how_often_tokens_are():
    """Entropy of the tokens alone: ln 2 a step for the pattern of onsets, and the pitch of each."""
    held_out = excerpts([line(seed) for seed in range(4)], np.random.default_rng(0), altered=False)
    with torch.no_grad():
        nats = held_out.nats(shipped()).item()
    tokens = held_out.tokens[held_out.tokens >= 0].numpy()
    shares = np.bincount(tokens) / len(tokens)
    assert nats < -(shares[shares > 0] * np.log(shares[shares > 0])).sum()
