"""`python -m musicae.evaluate MODEL --data ...`: figures on data that the model has not seen."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import Positional, UseAppendAction, arg

from musicae.command import Command, main, table
from musicae.errors import ConfigError, DataError

if TYPE_CHECKING:
    from musicae.core.model import Model
    from musicae.fitting import Splits
    from musicae.music.model import MusicModel

OF_PICTURES = ("most", "judge")
OF_MUSIC = ("temperature",)


@dataclass(frozen=True)
class Evaluate(Command):
    """Held-out figures of a model: what comes back, and at what rate.

    Of music, accuracies run free (nothing of the truth is fed to the decoder), for z = posterior mean and z sampled,
    decoded greedily and drawn at temperature 1. Of pictures, errors of the expected picture, and beside them those of
    what needs no network (principal components, a linear map, enlargement), fitted to the training part of the data.
    Rate, distortion, ELBO and likelihood are in nats a window or picture. docs/evaluation.md explains each figure.
    """

    model: Annotated[Positional[str], arg(metavar="MODEL", help_behavior_hint="")]
    """name of a model that ships, or a folder that training wrote"""
    data: UseAppendAction[tuple[str, ...]] = ()
    """folder, archive or file of MIDI (or of pictures) that the model has not seen, all of which is measured; or data
    that come split, as a corpus that training wrote does, of which --part is measured. May be given several times"""
    part: Literal["train", "validation", "test"] = "test"
    """which part of data that come split"""
    device: str = "cpu"
    """where the model runs: cpu, cuda, mps"""
    seed: int = 0
    """of the draws of z and of the data"""
    samples: Annotated[int | None, arg(metavar="INT", help_behavior_hint="(default: 50, where a model has any)")] = None
    """of pictures: how many z bound the likelihood of each; 0 leaves it out. Of music: how many new windows, and how
    many midpoints between songs, are judged beside the held-out ones, e.g. 2000 (minutes)"""
    temperature: Annotated[float | None, arg(metavar="FLOAT", help_behavior_hint="(default: 0, greedy)")] = None
    """of music: how the new windows are decoded"""
    most: Annotated[int | None, arg(metavar="INT", help_behavior_hint="(default: all)")] = None
    """of pictures: of how many, drawn by the seed, the likelihood is bounded"""
    judge: Annotated[Path | None, arg(metavar="FOLDER", help_behavior_hint="(default: none)")] = None
    """of pictures: a classifier that python -m musicae.judge trained, which is shown generated ones"""

    def run(self) -> None:
        """Measure and print."""
        from musicae.fitting import figures, open_data
        from musicae.loading import load
        from musicae.music.verdicts import lines as made_up

        model = load(self.model, self.device)
        self._refuse_others(model)
        if not self.data:
            raise DataError("no data given: name files that the model has not seen with --data")
        options = {} if model.preset.musical else self._of_pictures(model)
        with tempfile.TemporaryDirectory() as folder:
            splits = open_data(model.preset, self.data, Path(folder), quiet=self.quiet, held_out=True)
            number = len(getattr(splits, self.part))
            if not number:
                raise DataError(f"the data have nothing in their {self.part} part: try another --part")
            self.say(splits.report)
            for sentence in circumstances(model):
                self.say(sentence)
            if model.preset.musical and self.samples:
                from musicae.music.judging import enough_songs

                enough_songs(getattr(splits, self.part))  # before it takes minutes
            weighed = min(number, number if self.most is None else self.most) * options.get("samples", 0)
            with self.progress(number + weighed, "measuring", "decodes") as bar:
                measured = figures(model, splits, self.part, seed=self.seed, progress=bar.update, **options)
            lines = table(measured["held_out"])
            if model.preset.musical and self.samples:
                self.say(f"judging {self.samples:,} samples: this takes minutes")
                measured["made_up"] = self._judged(model, splits)
                lines += made_up(measured["made_up"])
        if not model.preset.musical and "baselines" not in measured["held_out"]:
            self.say("no baselines: the data have no training part beside what is measured, to fit them to")
        self.result({"model": self.model, "part": self.part, **measured}, lines)

    def _refuse_others(self, model: Model) -> None:
        """Refuse options that are for models of the other kind.

        Raises:
            ConfigError: one was given.
        """
        others, why = (OF_PICTURES, "pictures") if model.preset.musical else (OF_MUSIC, "music")
        for option in others:
            if getattr(self, option) is not None:
                does = "hears music" if model.preset.musical else "sees pictures"
                raise ConfigError(f"--{option} is for {why}, and {model.name} {does}: leave it out")

    def _judged(self, model: MusicModel, splits: Splits) -> dict[str, Any]:
        """What the model makes up, beside the part that is measured."""
        from musicae.music.judging import judged

        train = None if self.part == "train" else splits.train
        how = {"samples": self.samples, "seed": self.seed, "temperature": self.temperature or 0.0}
        return judged(model, getattr(splits, self.part), train, **how)

    def _of_pictures(self, model: Model) -> dict[str, Any]:
        """What a model of pictures is asked beside.

        Raises:
            ConfigError: there are no such figures of the model.
        """
        from musicae.images.evaluation import weighed
        from musicae.images.judge import Judge

        judge = Judge.load(self.judge) if self.judge else None
        return {"samples": weighed(model, self.samples), "most": self.most, "judge": judge}


def circumstances(model: Model) -> list[str]:
    """What the figures of a model depend on beside the data: what it is told, and what it hears in their place."""
    preset = model.preset
    told = preset.conditioning.names
    sentences = [f"told beside each example: its {' and '.join(told)}"] * bool(told)
    if preset.corruption is not None:
        changed = {name: value for name, value in vars(preset.corruption).items() if value not in (False, 0, ())}
        settings = ", ".join(f"{name}={value}" for name, value in changed.items())
        sentences.append(
            f"heard of each: what {type(preset.corruption).__name__}({settings}) leaves; all of it to come back"
        )
    return sentences


if __name__ == "__main__":
    main(Evaluate, "evaluate")
