"""Recurrent baselines: for each of our models MusicVAE's configuration for the same task, trained for a given time."""

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
        original: the name of the configuration whose network, objective and training settings are used.
        music: a window in words.
        network: in place of the original's, which would take days on a CPU; None for the original's.
        encoding: settings of the representation by which the original's network encodes the same windows.
        paper: the step accuracy in its paper, for z and every step sampled; "" for none.
    """

    ours: str
    original: str
    music: str
    network: Recurrent | None = None
    encoding: tuple[tuple[str, bool], ...] = ()
    paper: str = ""

    @property
    def name(self) -> str:
        """Of the recurrent preset."""
        return f"{self.ours}-recurrent"


CONDUCTED = Recurrent((256, 256), (256, 256), segments=16, conductor_units=(256, 256))
SEPARATE = replace(CONDUCTED, separate_decoders=True)
LABELS = (("labels", True),)  # one of 512 combinations of drums at each step
LABELLED = (("multi_hot_drums", False),)  # the same for the drums of a trio
SQUARED = (("precise", False),)  # squared errors of velocities and offsets, as in GrooVAE
PAIRS = (
    Pair("melody-2bar", "cat-mel_2bar_small", "The melody of two bars.", paper="0.951"),
    Pair("melody-16bar", "hierdec-mel_16bar", "The melody of sixteen bars, in one vector.", CONDUCTED, paper="0.812"),
    Pair("drums-2bar", "cat-drums_2bar_small", "Nine kinds of drums, two bars.", encoding=LABELS, paper="0.917"),
    Pair(
        "trio-16bar",
        "hierdec-trio_16bar",
        "Melody, bass and drums of sixteen bars, in one vector.",
        SEPARATE,
        LABELLED,
        paper="0.753 / 0.773 / 0.863",
    ),
    Pair("pianoroll-2bar", "cat-mel_2bar_small", "All notes of two bars, whatever plays them, but drums."),
    Pair(
        "groove-2bar",
        "groovae_2bar_humanize",
        "Two bars of drums as they are played: which, how loud, and when.",
        encoding=SQUARED,
    ),
)
PAIR = {pair.ours: pair for pair in PAIRS}


def compressed(objective: Elbo, steps: int) -> Elbo:
    """The original's objective with its schedules compressed into `steps`: beta ends at its value after 50,000 steps of
    the original; scheduled sampling, which there reaches 96% after 10,000 steps, grows to 100% between a tenth
    and a fifth of the steps."""
    beta, sampling = objective.beta, objective.scheduled_sampling
    if isinstance(beta, Saturating):
        beta = replace(beta, rate=beta.rate ** (ORIGINAL_STEPS / steps))
    if isinstance(sampling, InverseSigmoid):
        sampling = Linear(0.0, 1.0, round(0.1 * steps), round(0.2 * steps))
    return replace(objective, beta=beta, scheduled_sampling=sampling)


def recurrent(pair: Pair, ours: Preset, steps: int) -> Preset:
    """The original's network, objective and training settings, with our windows, transpositions and batch size.

    The learning rate decays over `steps`, as ours does; the original's decays over days.
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
        representation=replace(ours.representation, **dict(pair.encoding)),
        summary=f"the recurrent baseline of {pair.ours}",
        network=pair.network or original.network,
        latent=original.latent,
        bottleneck=original.bottleneck,
        objective=compressed(original.objective, steps),
        training=settings,
    )


def silence(preset: Preset, n: int) -> Batch:
    """A batch of `n` silent windows, for timing: the time does not depend on the content."""
    representation = preset.representation
    return to_batch(np.zeros((n, *representation.shape), representation.dtype), representation)


def affordable(pair: Pair, ours: Preset, minutes: float) -> int:
    """The number of training steps in so many minutes of processor time, at the speed of the last ones."""
    preset = recurrent(pair, ours, 1)
    batch = silence(preset, preset.training.batch_size)
    work = training_step(build_network(preset), preset.objective, batch, corruption=preset.corruption, step=1)
    (step,) = seconds(work, rounds=3, clock=time.process_time)
    return max(1, round(60 * minutes / step))


def encoded_for(preset: Preset, corpus: Path, folder: Path) -> Path:
    """A corpus with the representation of a preset: the same one, or one in `folder` that links to its arrays."""
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
    """The folder of the trained baseline. An interrupted run is resumed, a finished one is not trained again."""
    folder = runs / pair.name
    if (folder / checkpoints.METRICS).exists():
        return folder
    torch.set_num_threads(1)
    if (folder / STATE).exists():
        resume(recurrent(pair, ours, 1), folder, device="cpu")  # the folder has the number of steps
    else:
        preset = recurrent(pair, ours, affordable(pair, ours, minutes))
        fit(preset, [encoded_for(preset, corpus, folder / CORPUS)], folder, device="cpu")
    return folder
