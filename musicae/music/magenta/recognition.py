"""Which configuration of MusicVAE a checkpoint belongs to, by its name and the names and shapes of its tensors."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

import numpy as np

from musicae.errors import CheckpointError
from musicae.music.magenta import weights
from musicae.music.magenta.checkpoints import is_weight, shape

Shapes = Mapping[str, tuple[int, ...]]
FAVOURITE = "groovae_2bar_humanize"  # among models of grooves, which are all alike
ENCODER = re.compile(r"encoder/(?:hierarchical_level_0/)?cell_\d+/bidirectional_rnn/fw/.*/bias")
DECODER = re.compile(r"(?:core_decoder/)?(?:core_decoder_0/)?decoder/multi_rnn_cell/cell_\d+/lstm_cell/bias")
CONDUCTOR = re.compile(r"decoder/hierarchical_level_0/cell_\d+/lstm_cell/bias")
ENDINGS = re.compile(r"(\.index|\.tar|\.tgz|\.gz|\.ckpt(-\d+)?)+$")
OLD_KIT = {  # checkpoints of drums and trios from before 2019-04-24, by the names under which they were published
    *("cat-drums_2bar_small.lokl", "cat-drums_2bar_small.hikl", "nade-drums_2bar_reduced", "nade-drums_2bar_full"),
    *("drums_2bar_small.lokl", "drums_2bar_small.hikl", "drums_2bar_nade.reduced", "drums_2bar_nade.full"),
    *("drums_2bar_oh_lokl", "drums_2bar_oh_hikl", "drums_2bar_nade_reduced", "drums_2bar_nade_full"),
    *("hierdec-trio_16bar", "trio_16bar_hierdec", "hierdec_trio_16bar"),
    *("flat-trio_16bar", "trio_16bar_flat", "flat_trio_16bar"),
}


@dataclass(frozen=True)
class Recognised:
    """What a checkpoint was recognised as.

    Args:
        preset: the configuration, with the sizes that the tensors have.
        others: names of configurations that are just as likely.
    """

    preset: Any
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sizes:
    """Sizes that shapes show and that may differ from a named configuration: units of layers, and dimensions of z."""

    encoder: tuple[int, ...]
    decoder: tuple[int, ...]
    conductor: tuple[int, ...]
    nade: int
    latent: int

    @classmethod
    def of(cls, shapes: Shapes) -> Sizes:
        """From the biases; zeros where there are none."""
        units = [
            tuple(_last(shapes, name) // 4 for name in sorted(shapes) if pattern.fullmatch(name))
            for pattern in (ENCODER, DECODER, CONDUCTOR)
        ]
        nade = max((_last(shapes, name) for name in shapes if name.endswith("nade/w_enc")), default=0)
        return cls(*units, nade, _last(shapes, "encoder/mu/bias"))

    def distance(self, other: Sizes) -> float:
        """The distance from others of as many layers: the sum of the absolute differences of logarithms."""
        pairs = zip(self._numbers(), other._numbers(), strict=False)
        return sum(abs(math.log(max(a, 1) / max(b, 1))) for a, b in pairs)

    def _numbers(self) -> tuple[int, ...]:
        return (*self.encoder, *self.decoder, *self.conductor, self.nade, self.latent)


def _last(shapes: Shapes, name: str) -> int:
    return sum(shapes.get(name, ())[-1:])


def recognise(tensors: Mapping[str, np.ndarray], presets: Iterable[Any], name: str | None = None) -> Recognised:
    """The configuration that a checkpoint is of.

    Candidates are those whose tensors have the same names, with as many inputs and outputs at a step. Among them
    those of exactly these sizes come first; then those whose names share the most words with the checkpoint's; then
    those of the nearest sizes.

    Args:
        tensors: a `Checkpoint`, or anything that maps the original's names to arrays.
        presets: the configurations that there are.
        name: of the checkpoint: a path; None for what a `Checkpoint` says of itself.

    Raises:
        CheckpointError: it is of none of them; names the first tensor that differs.
    """
    found = {name: shape(tensors, name) for name in tensors if is_weight(name)}
    known = {preset.name: (preset, weights.shapes(preset)) for preset in presets}
    possible = {name: theirs for name, (_, theirs) in known.items() if _frame(theirs) == _frame(found)}
    if not possible:
        _refuse(tensors, found, known)
    words = _words(str(getattr(tensors, "source", "") if name is None else name))
    common = frozenset.intersection(*map(_words, possible))
    ranks = {name: _rank(found, theirs, words, _words(name) - common) for name, theirs in possible.items()}
    best = min(ranks.values())
    names = sorted((name for name, rank in ranks.items() if rank == best), key=lambda name: name != FAVOURITE)
    return Recognised(resized(known[names[0]][0], tensors), tuple(names[1:]))


def resized(preset: Any, tensors: Mapping[str, np.ndarray]) -> Any:
    """A preset with the sizes of a checkpoint: units of layers, if there are as many layers, and dimensions of z; of a
    checkpoint of magenta.js also steps and segments, which its settings have.

    Raises:
        CheckpointError: the checkpoint's tensors are not those of the preset.
    """
    sizes = Sizes.of({name: shape(tensors, name) for name in tensors if is_weight(name)})
    stacks = {"encoder_units": sizes.encoder, "decoder_units": sizes.decoder, "conductor_units": sizes.conductor}
    fitting = {name: units for name, units in stacks.items() if _as_many(units, getattr(preset.network, name))}
    if sizes.nade and preset.network.nade:
        fitting["nade"] = sizes.nade
    network, representation = replace(preset.network, **fitting), preset.representation
    arguments = client_arguments(tensors)
    if _counts(arguments.get("numSegments")):
        network = replace(network, segments=arguments["numSegments"])
    has_steps = representation.example_spec.size[0] == representation.steps  # not so of tokens
    if _counts(arguments.get("numSteps")) and has_steps:
        representation = replace(representation, steps=arguments["numSteps"])
    latent = sizes.latent or preset.latent
    changed = replace(preset, network=network, representation=representation, latent=latent)
    weights.check(tensors, changed)
    return changed


def _as_many(units: tuple[int, ...], others: tuple[int, ...]) -> bool:
    return len(units) == len(others) and all(units)


def _counts(number: Any) -> bool:
    return isinstance(number, int) and number > 0


def client_arguments(tensors: Mapping[str, np.ndarray]) -> dict:
    """The arguments of the data converter in the settings of magenta.js, where a checkpoint has them."""
    converter = _dictionary(getattr(tensors, "settings", None)).get("dataConverter")
    return _dictionary(_dictionary(converter).get("args"))


def _dictionary(value: Any) -> dict:
    return dict(value) if isinstance(value, Mapping) else {}


def kit(tensors: Mapping[str, np.ndarray], name: str | None = None) -> str:
    """Which map of drums, `"old"` or `"new"`, a checkpoint of drums or of a trio was trained with.

    The map was corrected on 2019-04-24 (magenta commit a33262f5). Checkpoints published before have the old one: they
    are known by name. magenta.js has the old one where its settings have none.

    Args:
        tensors: the checkpoint.
        name: of the checkpoint, as in `recognise`.
    """
    if getattr(tensors, "settings", None):
        arguments = client_arguments(tensors)
        classes = _dictionary(arguments.get("drumsArgs", arguments)).get("pitchClasses")
        return "new" if any({43, 45} <= set(keys) for keys in classes or []) else "old"
    path = str(getattr(tensors, "source", "") if name is None else name)
    parts = {ENDINGS.sub("", part) for part in re.split(r"[/\\]|: ", path)[-4:]}
    return "old" if parts & OLD_KIT else "new"


def _words(name: str) -> frozenset[str]:
    """The words in the last parts of a path."""
    return frozenset(re.findall(r"[a-z0-9]+", " ".join(PurePath(name).parts[-4:]).lower()))


def _frame(shapes: Shapes) -> tuple:
    """What no size changes: the names, the number of inputs at a step, and the number of outputs of each decoder."""
    first = next((name for name in sorted(shapes) if ENCODER.fullmatch(name)), "")
    inputs = sum(shapes.get(first.replace("/bias", "/kernel"), ())[:1]) - _last(shapes, first) // 4
    projections = [name for name in sorted(shapes) if name.endswith("output_projection/bias")]
    nades = [name for name in sorted(shapes) if name.endswith("nade/w_enc")]
    outputs = tuple(shapes[name][:1] for name in nades or projections)
    return frozenset(shapes), inputs, outputs


def _rank(found: Shapes, theirs: Shapes, words: frozenset[str], named: frozenset[str]) -> tuple:
    """How unlikely a configuration of the same frame is, by its sizes and by the words of its name."""
    shared = len(words & named)
    return found != theirs, -shared, len(named - words) if shared else 0, Sizes.of(found).distance(Sizes.of(theirs))


def _refuse(tensors: Mapping[str, np.ndarray], found: Shapes, known: Mapping[str, tuple[Any, Shapes]]) -> None:
    """Report which tensor does not fit the nearest configuration.

    Raises:
        CheckpointError: always.
    """
    where = getattr(tensors, "source", "the checkpoint")
    preset, theirs = min(known.values(), key=lambda one: len(one[1].keys() ^ found.keys()))
    if not theirs.keys() & found.keys():
        first = next(iter(found), None)
        raise CheckpointError(f"{where}: {f'tensor {first} is' if first else 'there are'} none of MusicVAE")
    resized(preset, tensors)
    raise CheckpointError(f"{where}: of no known configuration; nearest is {preset.name}")
