"""melody-2bar compared with MusicVAE's recurrent configuration: the same windows, time and machine.

    python scripts/benchmark_melody.py CORPUS --minutes 30      trains and measures both
    python scripts/benchmark_melody.py CORPUS --minutes 0       measures the existing runs

CORPUS is a folder that training wrote (runs/melody-2bar/corpus). Each model is trained on one thread for --minutes of
processor time, in batches of 128; the averaged weights are measured on the test split. Throughputs are measured in one
process on one thread, alternating between the models, and printed as ratios too.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import torch

from musicae.core.data import Batch
from musicae.core.speed import decoding, seconds, training_step
from musicae.datasets import open_data
from musicae.loading import build_network, load
from musicae.presets import PRESETS

OURS, BASELINE = "melody-2bar", "cat-mel_2bar_small"
BATCH = 128


def train(name: str, corpus: Path, folder: Path, minutes: float) -> None:
    """Train in a process of its own, and stop it after so many minutes of processor time."""
    command = [sys.executable, "-m", "musicae.train", name, "--data", str(corpus), "--out", str(folder)]
    command += ["--batch-size", str(BATCH), "--validate-every", "200", "--device", "cpu", "--force"]
    process = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"})
    while process.poll() is None and sum(psutil.Process(process.pid).cpu_times()[:2]) < 60 * minutes:
        time.sleep(1)
    process.send_signal(signal.SIGINT)
    process.wait()


def throughput(name: str, batch: Batch) -> dict[str, float]:
    """Windows a second: in training, halfway through scheduled sampling; in decoding 1 and 512 at a time."""
    preset = PRESETS[name]
    model = build_network(preset)
    works = training_step(model, preset.objective, batch, step=6908), decoding(model, 1), decoding(model, 512)
    sizes = {"training": BATCH, "decoding 1": 1, "decoding 512": 512}
    return {work: n / time for (work, n), time in zip(sizes.items(), seconds(*works), strict=True)}


def main() -> None:
    """Train, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="folder that training wrote")
    parser.add_argument(
        "--minutes", type=float, default=30.0, help="of processor time for each model; 0 to train neither (default: 30)"
    )
    parser.add_argument(
        "--runs",
        type=Path,
        default=Path("runs/benchmark_melody"),
        help="folder of the two runs (default: runs/benchmark_melody)",
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    test = open_data(PRESETS[OURS], [options.corpus], options.runs).test
    results = {}
    for name in (OURS, BASELINE):
        if options.minutes:
            train(name, options.corpus, options.runs / name, options.minutes)
        model = load(options.runs / name)
        results[name] = {"parameters": sum(p.numel() for p in model.network.parameters() if p.requires_grad)}
        results[name] |= {
            "held_out": model.evaluate(test),
            "windows_per_second": throughput(name, test.batch(np.arange(BATCH))),
        }
    speeds = [results[name]["windows_per_second"] for name in (OURS, BASELINE)]
    results["ratio"] = {work: speeds[0][work] / speeds[1][work] for work in speeds[0]}
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
