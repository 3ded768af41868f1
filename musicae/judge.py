"""`python -m musicae.judge --data FOLDER`: train a classifier to evaluate generated pictures with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from musicae.cli.options import Command
from musicae.cli.run import main


@dataclass(frozen=True)
class Judge(Command):
    """Train a classifier of labelled pictures, for `python -m musicae.evaluate MODEL --judge FOLDER`.

    It is trained on labels alone, independently of the models whose pictures it then classifies. About two minutes on
    one core for MNIST.
    """

    data: str
    """folder or archive of labelled pictures, or digits (see python -m musicae.train)"""
    out: Path = Path("runs/judge")
    """folder to write"""
    size: Annotated[
        tuple[int, int] | None, arg(metavar="HEIGHT WIDTH", help_behavior_hint="(default: 28 28; of digits 8 8)")
    ] = None
    """of the pictures, in pixels: as the models generate them whose pictures are to be classified"""
    colour: bool = False
    """pictures in colour, not in grey"""
    steps: Annotated[int | None, arg(metavar="INT", help_behavior_hint="(default: 3000; of few pictures 600)")] = None
    """steps of the optimiser"""
    resume: bool = False
    """go on with the run in the folder"""
    force: bool = False
    """start anew in a folder that holds a run"""
    device: Annotated[str | None, arg(metavar="DEVICE", help_behavior_hint="(default: the best there is)")] = None
    """cpu, cuda or mps"""
    seed: int = 0
    """seed of all random numbers"""

    def run(self) -> None:
        """Train, measure and print."""
        from musicae.images.classifier import settings_for, train
        from musicae.images.datasets import open_pictures
        from musicae.images.pictures import Pictures
        from musicae.overrides import check_ranges
        from musicae.skipped import sentence, write_skipped

        check_ranges({"steps": self.steps, "seed": self.seed})
        height, width = self.size or ((8, 8) if self.data == "digits" else (28, 28))
        pictures = Pictures(height, width, 3 if self.colour else 1)
        splits = open_pictures(self.data, pictures, seed=self.seed)
        settings = settings_for(splits, pictures, self.steps, self.seed)
        self.say(splits.report())
        options = {"resume": self.resume, "force": self.force, "device": self.device, "quiet": self.quiet}
        metrics = train(settings, splits, self.out, **options).metrics
        if splits.skipped:
            path = write_skipped(self.out, ((str(self.data), *row) for row in splits.skipped))
            self.say(sentence(path))
        accuracy = f"accuracy {metrics['accuracy']:.4f} on {metrics['examples']:,} test pictures"
        self.result({"folder": self.out, **metrics}, [f"saved {self.out}", accuracy])


if __name__ == "__main__":
    main(Judge, "judge")
