"""`python -m musicae.evaluate MODEL --data ...`: figures on data that the model has not seen."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tyro.conf import Positional, UseAppendAction

from musicae.command import Command, main, table
from musicae.errors import DataError


@dataclass(frozen=True)
class Evaluate(Command):
    """Held-out figures of a model: what comes back, and at what rate.

    Accuracies run free (nothing of the truth is fed to the decoder), for z = posterior mean and z sampled, decoded
    greedily and drawn at temperature 1. Rate, distortion and ELBO are in nats a window or picture.
    """

    model: Positional[str]
    """name of a model that ships, or a folder that training wrote"""
    data: UseAppendAction[tuple[str, ...]] = ()
    """folder, archive or file of MIDI (or of pictures) that the model has not seen, all of which is measured; or a
    corpus that training wrote, of which --part is measured. May be given several times"""
    part: Literal["train", "validation", "test"] = "test"
    """which part of data that come split"""
    device: str = "cpu"
    """where the model runs: cpu, cuda, mps"""
    seed: int = 0
    """of the draws of z and of the data"""

    def run(self) -> None:
        """Measure and print."""
        from tqdm import tqdm

        from musicae.fitting import figures, open_data
        from musicae.loading import load

        model = load(self.model, self.device)
        if not self.data:
            raise DataError("no data given: name files that the model has not seen with --data")
        with tempfile.TemporaryDirectory() as folder:
            splits = open_data(model.preset, self.data, Path(folder), quiet=self.quiet, held_out=True)
            number = len(getattr(splits, self.part))
            if not number:
                raise DataError(f"the data have nothing in their {self.part} part: try another --part")
            self.say(splits.report)
            hidden = self.quiet or not sys.stderr.isatty()
            with tqdm(total=number, desc="measuring", unit=" examples", disable=hidden) as bar:
                measured = figures(model, splits, self.part, seed=self.seed, progress=bar.update)
        self.result({"model": self.model, "part": self.part, **measured}, table(measured["held_out"]))


if __name__ == "__main__":
    main(Evaluate, "evaluate")
