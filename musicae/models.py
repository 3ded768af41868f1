"""`python -m musicae.models`: the presets, and the weights on this machine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from musicae.command import Command, main
from musicae.loading import here, parameters

if TYPE_CHECKING:
    from musicae.presets import Preset


@dataclass(frozen=True)
class Models(Command):
    """The models that ship or were trained in runs/, with their measured figures; and the presets to train."""

    def run(self) -> None:
        """List them."""
        from musicae.presets import FAMILIES

        models = []
        for name, folder in here().items():
            try:
                models.append(describe(name, folder))
            except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
                self.say(f"{folder}: not a model that can be read ({type(error).__name__}: {error})")
        lines = ["Models on this machine, and what comes back of data that they have not seen (z = mean, greedy):"]
        lines += [line for model in models for line in _lines(model)]
        lines += ["", "Presets for python -m musicae.train NAME, with their numbers of parameters:"]
        presets = []
        for group, members in FAMILIES.items():
            rows = [described(preset) for preset in members]
            presets += [{"family": group, **row} for row in rows]
            lines += ["", f"{group}:", *map(_row, rows)]
        self.result({"models": models, "presets": presets}, lines)


def described(preset: Preset) -> dict:
    """Name, use, data and number of parameters of a preset."""
    size = {"parameters": parameters(preset)}
    return {"name": preset.name, "summary": preset.summary, "data": preset.data, **size}


def _row(preset: dict) -> str:
    """A preset in a line."""
    number = preset["parameters"]
    size = f"{number / 1e6:.1f} M" if number >= 1e5 else f"{number / 1e3:.1f} k"
    return f"  {preset['name']:46}{size:>8}  {preset['summary']} (on {preset['data'] or 'your --data'})"


def describe(name: str, folder: Path) -> dict:
    """Name, size, use and measured figures of a model folder."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))["preset"]
    file = folder / "metrics.json"
    metrics = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return {
        "model": name,
        "summary": config["summary"],
        "megabytes": round(megabytes(folder), 1),
        "figures": headline(metrics.get("held_out", {}).get("mean", {}).get("greedy", {})),
        "metrics": metrics,
    }


def megabytes(folder: Path) -> float:
    """The size of a model: its weights, and what was fitted to it afterwards."""
    return sum(file.stat().st_size for file in folder.glob("*.safetensors")) / 1e6


WORDS = {
    "melody_accuracy": "{:.3f} of the melody",
    "bass_accuracy": "{:.3f} of the bass",
    "drums_accuracy": "{:.3f} of the drums",
    "step_accuracy": "{:.3f} of steps",
    "onset_f1": "{:.3f} of onsets",
    "timing_error_ms": "{:.1f} ms early or late",
    "velocity_error": "{:.0%} too loud or soft",
}


def headline(ratios: dict[str, float | None]) -> str:
    """The figures that say most of one way to decode, in words; of pictures all of them.

    Args:
        ratios: of `held_out`, under which z is decoded and how: e.g. `metrics["held_out"]["mean"]["greedy"]`.
    """
    there = {name: value for name, value in ratios.items() if value is not None}
    known = [form.format(there[name]) for name, form in WORDS.items() if name in there]
    return ", ".join(known or [f"{name.replace('_', ' ')} {value:.3f}" for name, value in there.items()])


def _lines(model: dict) -> list[str]:
    """Name, size and use of a model, and its figures under them."""
    first = f"  {model['model']:32} {model['megabytes']:5.1f} MB  {model['summary']}"
    return [first, f"{'':45}{model['figures']}"] if model["figures"] else [first]


if __name__ == "__main__":
    main(Models, "models")
