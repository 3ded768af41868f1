"""The recurrent configuration of each of our models' tasks, and its training for a given time."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from musicae.core import checkpoints
from musicae.core.configuration import to_data
from musicae.core.data import Batch
from musicae.core.networks import Recurrent
from musicae.core.objectives import Elbo
from musicae.core.schedules import InverseSigmoid, Linear, Saturating
from musicae.core.speed import seconds, training_step
from musicae.core.training import STATE
from musicae.datasets import CORPUS, INDEX
from musicae.fitting import fit, resume
from musicae.loading import build_network
from musicae.music.data.windows import to_batch
from musicae.presets import PRESETS, Preset, cosine
from musicae.registry import read_settings

ORIGINAL_STEPS = 50_000  # after which the original's two-bar models were published
VALIDATIONS = 20


@dataclass(frozen=True)
class Pair:
    """One of our models, and the configuration of MusicVAE for its task.

    Args:
        ours: the name of our preset.
        original: the name of the configuration whose network, objective and rules of training are taken.
        hears: what a window is, in words.
        network: in place of the original's, which takes days on a CPU; None for the original's.
        shown: settings of the representation that say how the original's network is shown the same windows.
        paper: the share of steps right that its paper states for z and every step drawn, "" for none.
    """

    ours: str
    original: str
    hears: str
    network: Recurrent | None = None
    shown: tuple[tuple[str, bool], ...] = ()
    paper: str = ""

    @property
    def name(self) -> str:
        """Of the recurrent preset."""
        return f"{self.ours}-recurrent"


CONDUCTED = Recurrent((256, 256), (256, 256), segments=16, conductor_units=(256, 256))
APART = replace(CONDUCTED, separate_decoders=True)
COMBINATIONS = (("labels", True),)  # one of 512 combinations a step
NAMED = (("multi_hot_drums", False),)  # the same of a trio's drums
SQUARED = (("precise", False),)  # GrooVAE's errors of loudness and timing
PAIRS = (
    Pair("melody-2bar", "cat-mel_2bar_small", "The melody of two bars.", paper="0.951"),
    Pair("melody-16bar", "hierdec-mel_16bar", "The melody of sixteen bars, in one vector.", CONDUCTED, paper="0.812"),
    Pair("drums-2bar", "cat-drums_2bar_small", "Nine kinds of drums, two bars.", shown=COMBINATIONS, paper="0.917"),
    Pair(
        "trio-16bar",
        "hierdec-trio_16bar",
        "Melody, bass and drums of sixteen bars, in one vector.",
        APART,
        NAMED,
        paper="0.753 / 0.773 / 0.863",
    ),
    Pair("pianoroll-2bar", "cat-mel_2bar_small", "All notes of two bars, whatever plays them, but drums."),
    Pair(
        "groove-2bar",
        "groovae_2bar_humanize",
        "Two bars of drums as they are played: which, how loud, and when.",
        shown=SQUARED,
    ),
)
PAIR = {pair.ours: pair for pair in PAIRS}


def squeezed(objective: Elbo, steps: int) -> Elbo:
    """The original's objective with its schedules in so many steps: beta where it stands after 50,000 of the
    original's, the decoder hearing itself from a fifth of the way on (there from 10,000 steps on, by 96%)."""
    beta, sampling = objective.beta, objective.scheduled_sampling
    if isinstance(beta, Saturating):
        beta = replace(beta, rate=beta.rate ** (ORIGINAL_STEPS / steps))
    if isinstance(sampling, InverseSigmoid):
        sampling = Linear(0.0, 1.0, round(0.1 * steps), round(0.2 * steps))
    return replace(objective, beta=beta, scheduled_sampling=sampling)


def recurrent(pair: Pair, ours: Preset, steps: int) -> Preset:
    """The original's network, objective and rules on the windows, transpositions and batches of ours.

    The learning rate falls to its end with the last step, as ours does; the original's falls over days.
    """
    original = PRESETS[pair.original]
    settings = replace(
        original.training,
        steps=steps,
        batch_size=ours.training.batch_size,
        learning_rate=cosine(steps),
        validate_every=max(steps // VALIDATIONS, 1),
    )
    return replace(
        ours,
        name=pair.name,
        representation=replace(ours.representation, **dict(pair.shown)),
        summary=f"the recurrent baseline of {pair.ours}",
        network=pair.network or original.network,
        latent=original.latent,
        bottleneck=original.bottleneck,
        objective=squeezed(original.objective, steps),
        training=settings,
    )


def silence(preset: Preset, n: int) -> Batch:
    """So many silent windows, which take as long as any."""
    representation = preset.representation
    return to_batch(np.zeros((n, *representation.shape), representation.dtype), representation)


def affordable(pair: Pair, ours: Preset, minutes: float) -> int:
    """How many steps so many minutes of processor time pay for, at the pace of the last ones."""
    preset = recurrent(pair, ours, 1)
    batch = silence(preset, preset.training.batch_size)
    work = training_step(build_network(preset), preset.objective, batch, corruption=preset.corruption, step=1)
    (one,) = seconds(work, repeats=3, clock=time.process_time)
    return max(1, round(60 * minutes / one))


def shown_as(preset: Preset, corpus: Path, folder: Path) -> Path:
    """A corpus whose windows a preset is shown: the same one, or one in `folder` of the same arrays."""
    index = checkpoints.read_json(corpus, INDEX)
    if read_settings(index["representation"]) == preset.representation:
        return corpus
    folder.mkdir(parents=True, exist_ok=True)
    for array in corpus.glob("*.npy"):
        link = folder / array.name
        link.unlink(missing_ok=True)
        link.symlink_to(array.resolve())
    checkpoints.write_json(folder, INDEX, index | {"representation": to_data(preset.representation)})
    return folder


def train(pair: Pair, ours: Preset, corpus: Path, runs: Path, minutes: float) -> Path:
    """The folder of the trained baseline; a run that was interrupted goes on, one that has ended stays as it is."""
    folder = runs / pair.name
    if (folder / checkpoints.METRICS).exists():
        return folder
    torch.set_num_threads(1)
    if (folder / STATE).exists():
        resume(recurrent(pair, ours, 1), folder, device="cpu")  # the folder has the number of steps
    else:
        preset = recurrent(pair, ours, affordable(pair, ours, minutes))
        fit(preset, [shown_as(preset, corpus, folder / CORPUS)], folder, device="cpu")
    return folder
