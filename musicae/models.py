"""`python -m musicae.models`: the presets, and the weights on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicae.cli.options import Command
from musicae.cli.run import main
from musicae.errors import Error
from musicae.loading import here, parameters, read_preset

if TYPE_CHECKING:
    from musicae.presets import Preset


@dataclass(frozen=True)
class Models(Command):
    """List the models that ship or were trained in runs/, with their measured figures, and the presets to train."""

    def run(self) -> None:
        """List them."""
        models, families = self._models(), self._families()
        lines = ["Models on this machine, and how much of held-out data they reconstruct (z = mean, greedy):"]
        lines += [line for model in models for line in _lines(model)]
        lines += ["", "Presets for python -m musicae.train NAME, with their numbers of parameters:"]
        presets = []
        for family, members in families.items():
            presets += [{"family": family, **row} for row in members]
            lines += ["", f"{family}:", *map(_row, members)]
        self.result({"models": models, "presets": presets}, lines)

    def _models(self) -> list[dict]:
        """The models that can be read; a line on stderr about each other."""
        models = []
        for name, folder in here().items():
            try:
                models.append(describe(name, folder))
            except (Error, OSError) as error:
                self.say(f"{folder}: not a model that can be read ({error})")
        return models

    def _families(self) -> dict[str, list[dict]]:
        """The presets of each family, of musicae and of other packages; a line on stderr about each broken one."""
        from musicae.presets import FAMILIES
        from musicae.registry import presets_of_packages

        found, problems = presets_of_packages()
        families = {family: [described(preset) for preset in members] for family, members in FAMILIES.items()}
        for package, members in found.items():
            rows = []
            for preset in members:
                try:
                    rows.append(described(preset))
                except Exception as error:  # a network of somebody else
                    problems.append(f"{package}: {preset.name!r} cannot be built ({type(error).__name__}: {error})")
            families[f"Of the package {package}"] = rows
        for problem in problems:
            self.say(problem)
        return families


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
    from musicae.core.checkpoints import read_metrics

    metrics = read_metrics(folder)
    return {
        "model": name,
        "summary": read_preset(folder).summary,
        "megabytes": round(megabytes(folder), 1),
        "figures": headline(_greedy(metrics)),
        "metrics": metrics,
    }


def _greedy(metrics: dict) -> dict[str, float]:
    """The figures of greedy decodes of the mean, as far as there are any."""
    found: Any = metrics
    for name in ("held_out", "mean", "greedy"):
        found = found.get(name) if isinstance(found, dict) else None
    found = found if isinstance(found, dict) else {}
    return {name: value for name, value in found.items() if isinstance(value, int | float)}


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
    """The most telling figures of one way to decode, in words; of pictures all of them.

    Args:
        ratios: figures of one choice of z and decoding, e.g. `metrics["held_out"]["mean"]["greedy"]`.
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
