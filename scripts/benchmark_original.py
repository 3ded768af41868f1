"""How fast the recurrent models are beside the original, or beside this package at another commit.

    python scripts/benchmark_original.py --original PYTHON
    python scripts/benchmark_original.py --commit d94b27d

PYTHON is one with TensorFlow and Magenta (see scripts/original_work.py). Everything runs on one thread, in float32 but
for the last row, in processes that take turns. Times are medians of processor times after one call to warm up; the
ratio is that of the other's time to ours: 2 is twice as fast.
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
WORKS = (  # kind, name, batch, steps, precision of ours
    ("decode", "cat-mel_2bar_small", 8, 32, "float32"),
    ("decode", "cat-mel_2bar_big", 4, 32, "float32"),
    ("decode", "hierdec-mel_16bar", 4, 256, "float32"),
    ("train", "cat-mel_2bar_small", 32, 32, "float32"),
    ("train", "cat-mel_2bar_small", 128, 32, "float32"),
    ("train", "cat-mel_2bar_small", 128, 32, "bf16"),
)


class Worker:
    """A process that does a work again and again.

    Args:
        command: the interpreter, the script and its arguments.
        package: folder in which `musicae` is.
    """

    def __init__(self, command: list, package: Path):
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(package)}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        self.process = subprocess.Popen([str(one) for one in command], env=environment, **pipes)

    def seconds(self) -> float:
        """Of the processor, to do it once."""
        print(file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"{' '.join(self.process.args)}: ended without an answer")
        return float(answer)

    def end(self) -> None:
        """Wait until the process is gone."""
        self.process.communicate()


def compare(work: tuple, original: str | None, other: Path, rounds: int) -> tuple[float, float]:
    """Seconds of the other and of ours."""
    kind, name, batch, steps, precision = work
    ours = [sys.executable, ROOT / "scripts/recurrent_work.py", kind, name, batch, precision]
    theirs = [original, ROOT / "scripts/original_work.py", kind, name, batch, steps] if original else ours
    workers = Worker(theirs, other), Worker(ours, ROOT)
    times = [[one.seconds() for one in workers] for _ in range(1 + rounds)][1:]
    for one in workers:
        one.end()
    return tuple(statistics.median(column) for column in zip(*times, strict=True))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    other = parser.add_mutually_exclusive_group(required=True)
    other.add_argument("--original", metavar="PYTHON", help="a Python with TensorFlow and Magenta")
    other.add_argument("--commit", help="a commit of this repository")
    parser.add_argument("--rounds", type=int, default=5, help="calls of each (default: 5)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.commit:
            command = ["git", "archive", options.commit, "musicae"]
            packed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
            with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
                archive.extractall(folder, filter="data")
        print(f"{'work':8}{'model':22}{'batch':>6}{'ours in':>9}{'other':>12}{'ours':>12}{'ratio':>8}")
        for work in WORKS:
            theirs, ours = compare(work, options.original, Path(folder), options.rounds)
            kind, name, batch, _, precision = work
            times = f"{theirs * 1e3:9.1f} ms{ours * 1e3:9.1f} ms{theirs / ours:8.2f}"
            print(f"{kind:8}{name:22}{batch:6}{precision:>9}{times}", flush=True)


if __name__ == "__main__":
    main()
