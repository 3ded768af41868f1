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
            except (OSError, ValueError, LookupError, TypeError) as error:
                self.say(f"{folder}: not a model that can be read ({type(error).__name__}: {error})")
        lines = ["Models on this machine:"]
        lines += [f"  {m['model']:32} {m['megabytes']:5.1f} MB  {m['summary']}{_figures(m)}" for m in models]
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
    weights, metrics = folder / "model.safetensors", folder / "metrics.json"
    return {
        "model": name,
        "summary": config["summary"],
        "megabytes": round(weights.stat().st_size / 1e6, 1) if weights.exists() else 0.0,
        "metrics": json.loads(metrics.read_text(encoding="utf-8")) if metrics.exists() else {},
    }


def _figures(model: dict) -> str:
    """The headline of a model's figures."""
    held_out = model["metrics"].get("held_out", {})
    ratios = held_out.get("mean", {}).get("greedy", {})
    return "".join(f"; {name.replace('_', ' ')} {value:.3f}" for name, value in ratios.items() if value is not None)


if __name__ == "__main__":
    main(Models, "models")
