"""Our models of music compared with MusicVAE's recurrent configurations of the same tasks, for docs/models.md.

    python scripts/benchmark_models.py baselines --preset melody-2bar --data CORPUS --minutes 75
    python scripts/benchmark_models.py table              measures windows a second, and prints the tables
    python scripts/benchmark_models.py table --write      and writes them into docs/models.md
    python scripts/benchmark_models.py table --readme     writes the README's table of the models that ship

`baselines` trains on one thread, on the windows that our model was trained on (CORPUS is the folder that its training
wrote), for --minutes of processor time (default: as long as ours was trained). An interrupted run is resumed.

`table` reads the models that ship, or else those in --runs, as far as their training has finished. Figures are those
that training or scripts/ship.py measured on the test part of the data. Windows a second are measured now, alternating
between the models, on one thread, in processor time, on which other work on the machine has little influence.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from baselines import PAIR, PAIRS, Pair, silence, train
from pages import fill

from musicae.core import checkpoints
from musicae.core.speed import decoding, seconds, training_step
from musicae.errors import ConfigError
from musicae.loading import PRETRAINED, build_network, parameters, read_preset
from musicae.models import headline, megabytes
from musicae.presets import PRESETS, Preset

ROOT = Path(__file__).parents[1]
PAGES = {"models": ROOT / "docs" / "models.md", "readme": ROOT / "README.md"}
MARKS = "<!-- table: scripts/benchmark_models.py -->", "<!-- end of table -->"
DECODED = (1, 512)  # windows at a time
BEST, PAPERS = ("mean", "greedy"), ("sample", "temperature_1")
NONE = "-"
SETTINGS = {
    BEST: "mean, greedy",
    ("mean", "temperature_1"): "mean, temperature 1",
    ("sample", "greedy"): "sampled z, greedy",
    PAPERS: "sampled z, temperature 1",
}
RATIOS = {
    "onset_f1": "onset F1",
    "whole_windows": "windows wholly right",
    "melody_accuracy": "melody right",
    "bass_accuracy": "bass right",
    "drums_accuracy": "drums right",
    "timing_error_ms": "error of timing, ms at 120 BPM",
    "velocity_error": "error of loudness, share of 127",
}


@dataclass(frozen=True)
class Side:
    """A trained model of a pair, and its name in the table."""

    name: str
    folder: Path

    @cached_property
    def preset(self) -> Preset:
        """Its settings."""
        return read_preset(self.folder)

    @cached_property
    def metrics(self) -> dict:
        """Its measured figures."""
        return checkpoints.read_json(self.folder, checkpoints.METRICS)

    @property
    def held_out(self) -> dict:
        """Its figures on held-out data."""
        return self.metrics["held_out"]

    @property
    def minutes(self) -> float | None:
        """Of its training; None if unknown."""
        taken = self.metrics.get("trained", {}).get("seconds")
        return None if taken is None else taken / 60

    @cached_property
    def megabytes(self) -> float:
        """The size of its weights as models ship, in float16."""
        with tempfile.TemporaryDirectory() as folder:
            checkpoints.write_weights(Path(folder), build_network(self.preset), torch.float16)
            return (Path(folder) / checkpoints.WEIGHTS).stat().st_size / 1e6


@dataclass(frozen=True)
class Row:
    """A figure of each model: its name, the values, their format, and `min` or `max` for which is better."""

    name: str
    values: list[float | None]
    form: str = "{:.3f}"
    better: type(max) | None = None

    def __str__(self) -> str:
        """A line of the table, the best value bold."""
        written = [NONE if value is None else self.form.format(value) for value in self.values]
        known = [value for value in self.values if value is not None]
        if self.better and len(known) > 1:
            best = self.form.format(self.better(known))
            written = [f"**{text}**" if text == best else text for text in written]
        return f"| {' | '.join([self.name, *written])} |"


def sides(pair: Pair, runs: Path) -> list[Side]:
    """Ours and the recurrent one, as far as their training has finished."""
    ours = [folder for folder in (PRETRAINED / pair.ours, runs / pair.ours) if (folder / checkpoints.METRICS).exists()]
    theirs = [folder for folder in (runs / pair.name,) if (folder / checkpoints.METRICS).exists()]
    return [Side(f"`{pair.ours}`", folder) for folder in ours[:1]] + [Side("recurrent", folder) for folder in theirs]


def windows_a_second(presets: list[Preset]) -> dict[str, list[float]]:
    """The rates of each preset, in training and in decoding: measured alternately, with random weights."""
    torch.set_num_threads(1)
    networks = [build_network(preset) for preset in presets]

    def training(preset: Preset, network) -> tuple[int, object]:
        n, late = preset.training.batch_size, preset.training.steps - 1
        options = {"corruption": preset.corruption, "step": late}
        return n, training_step(network, preset.objective, silence(preset, n), **options)

    def decoded(n: int):
        return lambda preset, network: (n, decoding(network, n, silence(preset, n).condition))

    kinds = {"training": training} | {f"decoding, {n} at a time": decoded(n) for n in DECODED}
    rates = {}
    for name, kind in kinds.items():
        sizes, works = zip(*map(kind, presets, networks), strict=True)
        rates[name] = [n / taken for n, taken in zip(sizes, seconds(*works, clock=time.process_time), strict=True)]
    return rates


def accuracies(models: list[Side]) -> Iterator[Row]:
    """Reconstruction: step accuracy in four settings, the rest as `reconstruct` decodes and as the paper measured."""
    held_out = [side.held_out for side in models]
    for (z, how), name in SETTINGS.items():
        yield Row(f"steps right: {name}", [h[z][how]["step_accuracy"] for h in held_out], better=max)
    for key, name in RATIOS.items():
        if key not in held_out[0]["mean"]["greedy"]:
            continue
        for z, how in (BEST, PAPERS):
            form, better = "{:.1f}" if key.endswith("_ms") else "{:.3f}", min if "error" in key else max
            yield Row(f"{name}: {SETTINGS[z, how]}", [h[z][how].get(key) for h in held_out], form, better)


def rows(models: list[Side], rates: dict[str, list[float]]) -> Iterator[Row]:
    """Every row of a pair's table."""
    yield from accuracies(models)
    yield Row("rate, nats a window", [side.held_out.get("rate") for side in models], "{:.1f}")
    yield Row("distortion, nats a window", [side.held_out["distortion"] for side in models], "{:.1f}")
    yield Row("active units", [side.held_out["active_units"] for side in models], "{:d}")
    yield Row("size of z", [side.preset.latent for side in models], "{:d}")
    for name, values in rates.items():
        yield Row(f"windows a second, {name}", values, "{:,.1f}" if min(values) < 100 else "{:,.0f}", max)
    yield Row("parameters", [parameters(side.preset) for side in models], "{:,d}", min)
    yield Row("MB in float16", [side.megabytes for side in models], "{:.1f}", min)
    yield Row("minutes of training", [side.minutes for side in models], "{:.0f}")
    yield Row("windows held out", [side.held_out["examples"] for side in models], "{:,d}")


def section(pair: Pair, models: list[Side], rates: dict[str, list[float]]) -> str:
    """The section of docs/models.md on a pair."""
    paper = f" MusicVAE's paper states {pair.paper} for z and every step drawn, on other data." if pair.paper else ""
    head = ["", *(side.name for side in models)]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|", *map(str, rows(models, rates))]
    return "\n".join([f"## {pair.ours}", "", f"{pair.music}{paper}", "", models[0].metrics["data"], "", *lines])


def readme(runs: Path) -> str:
    """The table of the models that ship."""
    head = "| model | music | reconstructed: mean, greedy | sampled z, temperature 1 | the paper | recurrent | MB |"
    lines = [head, "|---" * 7 + "|"]
    for folder in sorted(path.parent for path in PRETRAINED.glob(f"*/{checkpoints.METRICS}")):
        side, pair = Side("", folder), PAIR.get(folder.name)
        baseline = [other for other in (sides(pair, runs) if pair else []) if other.name == "recurrent"]
        ours = [headline(side.held_out[z][how]) for z, how in (BEST, PAPERS)]
        theirs = headline(baseline[0].held_out[PAPERS[0]][PAPERS[1]]) if baseline else NONE
        paper = (pair.paper if pair else "") or NONE
        cells = [f"`{folder.name}`", side.preset.summary, *ours, paper, theirs, f"{megabytes(folder):.1f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def baselines(options: argparse.Namespace) -> None:
    """Train the recurrent configuration of a preset's task."""
    pair = PAIR[options.preset]
    if pair.ours not in PRESETS:
        raise ConfigError.unknown("preset", pair.ours, PRESETS)
    minutes = options.minutes
    if minutes is None:
        ours = [side for side in sides(pair, options.runs) if side.name != "recurrent"]
        minutes = ours[0].minutes if ours else None
    if minutes is None:
        raise ConfigError(f"it is not known how long {pair.ours} was trained: give --minutes")
    print(train(pair, PRESETS[pair.ours], options.data, options.runs, minutes))


def tables(options: argparse.Namespace) -> None:
    """Measure, print, and write into the pages."""
    if options.readme:
        text = readme(options.runs)
        print(text)
        return fill(PAGES["readme"], MARKS, text)
    sections, results = [], {}
    for pair in PAIRS:
        models = sides(pair, options.runs)
        if models:
            rates = windows_a_second([side.preset for side in models])
            results[pair.ours] = {"models": [side.name for side in models], "windows_per_second": rates}
            sections.append(section(pair, models, rates))
            print(sections[-1], end="\n\n", flush=True)
    options.runs.mkdir(parents=True, exist_ok=True)
    (options.runs / "benchmark_models.json").write_text(json.dumps(results, indent=2), encoding="utf-8")
    if options.write:
        fill(PAGES["models"], MARKS, "\n\n".join(sections))
    return None


def main() -> None:
    """Parse the arguments, and do one job."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    jobs = parser.add_subparsers(required=True)
    first = jobs.add_parser("baselines", help="train the recurrent configuration of a task")
    first.add_argument("--preset", choices=list(PAIR), required=True)
    first.add_argument("--data", type=Path, required=True, help="the corpus that ours was trained on")
    first.add_argument("--minutes", type=float, help="of processor time (default: as long as ours was trained)")
    first.set_defaults(job=baselines)
    second = jobs.add_parser("table", help="measure, print and write")
    second.add_argument("--write", action="store_true", help="write the tables into docs/models.md")
    second.add_argument("--readme", action="store_true", help="only write the README's table, without measuring")
    second.set_defaults(job=tables)
    for job in (first, second):
        job.add_argument("--runs", type=Path, default=Path("runs"), help="where models are trained (default: runs)")
    options = parser.parse_args()
    options.job(options)


if __name__ == "__main__":
    main()
