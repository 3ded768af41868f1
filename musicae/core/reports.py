"""What training reports while it runs: means of the terms, a table on disk, curves in tensorboard."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path

import torch

from musicae.core.objectives import Terms
from musicae.files import read_file, write_atomically

METRICS_TABLE = "metrics.csv"
MOST_BYTES = 2**28  # of it: millions of rows
LONGEST_ROW = 1000
TERMS = ("loss", "distortion", "rate", "penalty", "accuracy")
COLUMNS = ("step", "split", *TERMS, "learning_rate", "skipped", "seconds")


def whole_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a table but those that are damaged, as one that a crash left without its end.

    Raises:
        FileError: it is no file, or larger than any table.
    """
    lines = read_file(path, MOST_BYTES).decode(errors="replace").replace("\0", "").splitlines(keepends=True)
    whole = [one for one in lines if one.endswith("\n") and len(one) < LONGEST_ROW and '"' not in one]
    whole = [line for line in whole if line.count(",") == len(COLUMNS) - 1]
    return [row for row in csv.DictReader(whole, COLUMNS) if _makes_sense(row)]


def _makes_sense(row: dict[str, str]) -> bool:
    """Whether a row has a step, and numbers or nothing in the other columns."""
    try:
        numbers = [float(value) for name, value in row.items() if name != "split" and value]
    except ValueError:
        return False
    return bool(numbers) and row["step"].isdigit() and len(row["step"]) < 19


class Table:
    """`metrics.csv`: a row for each stretch of training and each validation. A resumed run drops the rows beyond its
    step and lines that were never finished."""

    def __init__(self, path: Path, step: int):
        self.path = path
        rows = [row for row in whole_rows(path) if int(row["step"]) <= step] if step and path.exists() else []
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_atomically(path, buffer.getvalue().encode(), force=True)

    def add(self, row: dict) -> None:
        """Append one row, of which numbers without a column are left out."""
        with self.path.open("a", newline="") as file:
            csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n").writerow(
                {k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()}
            )


class Means:
    """Means of the terms since the last report; `state.seconds` counts the time that went into training steps."""

    def __init__(self, state):
        self.state, self.since = state, time.monotonic()
        self.sums, self.count = 0.0, 0

    def add(self, terms: Terms) -> None:
        """Count the terms of a step."""
        self.sums = self.sums + means_of(terms).detach()
        self.count += 1

    def stop_clock(self) -> None:
        """Add the time since the last call to `state.seconds`."""
        now = time.monotonic()
        self.state.seconds += now - self.since
        self.since = now

    def close(self, accelerator, skipped: torch.Tensor) -> dict[str, float]:
        """The means over all processes and how many steps were skipped, in one request to the device; a fresh start."""
        numbers = torch.cat([self.sums / self.count, skipped.unsqueeze(0)])
        *means, skips = accelerator.reduce(numbers, "mean").tolist()
        self.stop_clock()
        self.sums, self.count = 0.0, 0
        return dict(zip(TERMS, means, strict=True)) | {"skipped": int(skips)}


def means_of(terms: Terms) -> torch.Tensor:
    """The mean of each of TERMS over the batch, `[5]`."""
    return torch.stack([getattr(terms, name).mean() for name in TERMS])


def time_left(seconds: float) -> str:
    """How long training still takes, for a person who waits."""
    minutes = round(seconds / 60)
    return "less than a minute left" if not minutes else f"{minutes:,} minute{'s' * (minutes > 1)} left"


def tensorboard(folder: Path, step: int) -> AbstractContextManager:
    """A writer for tensorboard where it is installed, else None. Drops what a killed run wrote beyond `step`."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return nullcontext()
    return closing(SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1))


def show(board, row: dict, names: Iterable[str] = TERMS) -> None:
    """Put some of a row on a tensorboard writer, if there is one."""
    if board is not None:
        for name in names:
            board.add_scalar(f"{row['split']}/{name}", row[name], row["step"])
