"""All autoencoders of pictures, trained and measured on MNIST: the table of docs/images.md.

    python scripts/benchmark_images.py FOLDER_WITH_MNIST                  trains and measures what is not in runs/ yet
    python scripts/benchmark_images.py FOLDER_WITH_MNIST --only mnist-ae  one of them
    python scripts/benchmark_images.py FOLDER_WITH_MNIST --write          writes the table into docs/images.md as well

An interrupted training is resumed; what has been measured (runs/NAME/benchmark.json) is not measured again. Minutes are
those of training, from its metrics.json. To compare with ours, set OMP_NUM_THREADS=1 and use one core.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pages import fill

from musicae.after_training import figures
from musicae.core import checkpoints
from musicae.core.training import STATE
from musicae.datasets import open_data
from musicae.fitting import fit, resume
from musicae.images.classifier import ImageClassifier, settings_for
from musicae.images.classifier import train as train_classifier
from musicae.images.datasets import open_pictures
from musicae.loading import load
from musicae.presets import PRESETS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "images.md"
MARKS = "<!-- table: scripts/benchmark_images.py -->", "<!-- end of table -->"
MEASURED = "benchmark.json"
PIXELS = 784


@dataclass(frozen=True)
class Bar:
    """A figure and its target.

    Args:
        name: in the table.
        value: computes it from the held-out figures.
        bar: the target, a number or computed from the held-out figures; None for a figure without one.
        source: of the target.
        more: whether more is better.
    """

    name: str
    value: Callable[[dict], float]
    bar: float | Callable[[dict], float] | None = None
    source: str = ""
    more: bool = False


@dataclass(frozen=True)
class Row:
    """A preset, the systems of the lesson that it corresponds to, and its figures.

    The figures of training are used, except if `samples` of z bound the likelihood, or samples are classified.
    """

    preset: str
    systems: str
    bars: tuple[Bar, ...]
    samples: int = 0
    classified: bool = False


def of(*path: str) -> Callable[[dict], float]:
    """A figure by its keys."""

    def value(held_out: dict) -> float:
        for key in path:
            held_out = held_out[key]
        return held_out

    return value


def of_baseline(name: str, key: str) -> Callable[[dict], float]:
    """A figure of the baseline whose name begins with `name`."""
    return lambda held_out: next(v[key] for k, v in held_out["baselines"].items() if k.startswith(name))


GREEDY = ("mean", "greedy")
BCE, MSE, PSNR = (of(*GREEDY, key) for key in ("bce", "mse", "psnr"))
NEIGHBOURS, NLL = of("neighbours"), of("nll")


def minus_elbo(held_out: dict) -> float:
    """-ELBO in nats a picture, one draw of z each."""
    return -held_out["elbo"]


def squared_error(held_out: dict) -> float:
    """Summed squared error of a picture."""
    return MSE(held_out) * PIXELS


def restored(noise: str, bar: float) -> tuple[Bar, ...]:
    """The bars of a denoising autoencoder."""
    ridge = Bar("the linear ridge here", of_baseline("linear ridge", "bce"))
    return Bar(f"BCE, noise N({noise})", BCE, bar, "linear ridge"), ridge


ROWS = (
    Row("mnist-dense", "K1", (Bar("BCE", BCE, 0.0916, "Keras blog's logs"),)),
    Row("mnist-sparse", "K2", (Bar("BCE", BCE, 0.10, "Keras blog"), Bar("mean code", of("codes", "absolute")))),
    Row("mnist-deep", "K3", (Bar("BCE", BCE, 0.0800, "Keras blog"),)),
    Row(
        "mnist-ae", "L1, L1p, K4", (Bar("BCE", BCE, 0.0802, "PCA-128"), Bar("PCA-128 here", of_baseline("PCA", "bce")))
    ),
    Row(
        "mnist-plane",
        "T1",
        (
            Bar("MSE", MSE, 0.0556, "PCA-2"),
            Bar("neighbours", NEIGHBOURS, 0.75, "aim; PCA-2 has 0.448", more=True),
        ),
    ),
    Row("mnist-denoising", "L2", restored("0.5, 0.5²", 0.1485)),
    Row("mnist-denoising-light", "L2p", restored("0.5, 0.3²", 0.1247)),
    Row("mnist-denoising-centred", "K5", restored("0, 0.5²", 0.1331)),
    Row(
        "mnist-masking",
        "beyond the lesson",
        (Bar("BCE", BCE, of_baseline("linear ridge", "bce"), "linear ridge here"),),
    ),
    Row(
        "mnist-superres-2x",
        "L3, L3p",
        (
            Bar("BCE", BCE, 0.0946, "Lanczos"),
            Bar("PSNR in dB", PSNR, 23.0, "aim; Lanczos has 20.74", more=True),
        ),
    ),
    Row(
        "mnist-superres-4x", "T4", (Bar("PSNR in dB", PSNR, of_baseline("Lanczos", "psnr"), "Lanczos here", more=True),)
    ),
    Row(
        "mnist-vae",
        "T5, keras.io",
        (
            Bar("-ELBO, grey", minus_elbo, 148.0, "keras.io's training loss, 146.95"),
            Bar("neighbours", NEIGHBOURS, 0.448, "PCA-2", more=True),
        ),
    ),
    Row(
        "mnist-vae-dense",
        "L4, L4p, K7",
        (
            Bar("summed squared error", squared_error, 43.6, "PCA-2"),
            Bar("rate", of("rate")),
            Bar("neighbours", NEIGHBOURS, 0.448, "PCA-2", more=True),
        ),
    ),
    Row("mnist-vae-20", "V1", (Bar("-ELBO, grey", minus_elbo, 105.6, "PyTorch's example"),)),
    Row("mnist-beta-vae", "beta", (Bar("rate", of("rate")), Bar("active units", of("active_units")))),
    Row("mnist-binary-vae", "one layer", (Bar("NLL, binary", NLL, 87.8, "Burda et al.'s network"),), samples=1000),
    Row("mnist-binary-iwae", "one layer, k = 50", (Bar("NLL, binary", NLL, 84.8, "Burda et al."),), samples=1000),
    Row(
        "mnist-binary-conv-vae",
        "convolutional",
        (
            Bar("-ELBO, binary", minus_elbo, 86.5, "a public benchmark"),
            Bar("NLL, binary", NLL, 82.0, "a public benchmark"),
        ),
        samples=100,
    ),
    Row(
        "mnist-conditional",
        "V2",
        (Bar("samples of the requested class", of("generated", "agreement"), 0.97, "ours to set", more=True),),
        classified=True,
    ),
    Row(
        "mnist-adversarial",
        "L5",
        (
            Bar("BCE", BCE, 0.0945, "the lesson's, which is not adversarial"),
            Bar("MMD² of codes to N(0, I)", of("codes", "discrepancy")),
            Bar("conditional entropy of the classifier", of("generated", "doubt")),
            Bar("marginal entropy of the classes", of("generated", "coverage")),
        ),
        classified=True,
    ),
    *(
        Row(
            f"mnist-{family}",
            "beyond the lesson",
            (
                Bar(
                    "Fréchet distance",
                    of("generated", "frechet"),
                    of("generated", "frechet_standard_normal"),
                    "N(0, I) through the same decoder",
                ),
            ),
            classified=True,
        )
        for family in ("wasserstein", "regularised")
    ),
)


def trained(row: Row, data: Path, runs: Path) -> Path:
    """The folder of a preset's finished training."""
    folder = runs / row.preset
    if not (folder / checkpoints.METRICS).exists():
        if (folder / STATE).exists():
            resume(PRESETS[row.preset], folder)
        else:
            fit(PRESETS[row.preset], [data], folder)
    return folder


def measured(row: Row, data: Path, runs: Path, classifier: ImageClassifier) -> dict:
    """The held-out figures of a preset and the minutes of its training."""
    folder = trained(row, data, runs)
    if not (row.samples or row.classified):
        return checkpoints.read_json(folder, checkpoints.METRICS)
    if not (folder / MEASURED).exists():
        model = load(folder)
        splits = open_data(model.preset, [data], folder)
        found = figures(model, splits, samples=row.samples, classifier=classifier if row.classified else None)
        checkpoints.write_json(folder, MEASURED, {**found, "trained": model.metrics["trained"]})
    return checkpoints.read_json(folder, MEASURED)


def trained_classifier(data: Path, runs: Path) -> ImageClassifier:
    """The classifier, trained if there is none."""
    folder = runs / "judge"
    if not (folder / checkpoints.METRICS).exists():
        pictures = PRESETS["mnist-ae"].representation
        splits = open_pictures(data, pictures)
        train_classifier(settings_for(splits, pictures), splits, folder)
    return ImageClassifier.load(folder)


def lines(row: Row, found: dict) -> Iterator[str]:
    """The rows of a preset in the table, one for each figure."""
    held_out, minutes = found["held_out"], f"{found['trained']['seconds'] / 60:.1f}"
    for i, bar in enumerate(row.bars):
        value, limit = bar.value(held_out), bar.bar(held_out) if callable(bar.bar) else bar.bar
        first = (f"`{row.preset}`", row.systems, minutes) if i == 0 else ("", "", "")
        sign = "≥" if bar.more else "≤"
        asked = "" if limit is None else f"{sign} {number(limit)} ({bar.source})"
        met = "" if limit is None else "yes" if (value >= limit if bar.more else value <= limit) else "**no**"
        yield "| " + " | ".join([*first[:2], bar.name, number(value), asked, met, first[2]]) + " |"


def number(value: float) -> str:
    """A number with four digits."""
    return f"{value:.4g}" if abs(value) >= 1 else f"{value:.4f}"


def table(results: dict[str, dict]) -> str:
    """The table in Markdown."""
    head = ["| preset | systems | figure | ours | to reach | reached | minutes |", "|---|---|---|---|---|---|---|"]
    return "\n".join(head + [line for row in ROWS if row.preset in results for line in lines(row, results[row.preset])])


def main() -> None:
    """Train, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder or archive with MNIST's IDX files")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where models are trained (default: runs)")
    parser.add_argument("--only", nargs="+", choices=[row.preset for row in ROWS], help="these presets")
    parser.add_argument("--write", action="store_true", help="write the table into docs/images.md")
    options = parser.parse_args()
    classifier, results = trained_classifier(options.data, options.runs), {}
    for row in ROWS:
        if not options.only or row.preset in options.only:
            results[row.preset] = measured(row, options.data, options.runs, classifier)
            print("\n".join(lines(row, results[row.preset])), flush=True)
    (options.runs / "benchmark_images.json").write_text(json.dumps(results, indent=2), encoding="utf-8")
    if options.write:
        fill(PAGE, MARKS, table(results))


if __name__ == "__main__":
    main()
