"""`python -m musicae.evaluate MODEL --data ...`: figures on data that the model was not trained on."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import Positional, UseAppendAction, arg

from musicae.cli.options import Command, wrong_kind
from musicae.cli.run import main
from musicae.cli.sample_report import sample_report
from musicae.cli.tables import table
from musicae.errors import ConfigError, DataError

if TYPE_CHECKING:
    from musicae.datasets import Splits
    from musicae.images.model import ImageModel
    from musicae.music.model import MusicModel

OF_PICTURES = ("most", "judge")
OF_MUSIC = ("temperature",)


@dataclass(frozen=True)
class Evaluate(Command):
    """Held-out figures of a model: how well it reconstructs, and at what rate.

    Of music, accuracies are of free-running decoding (no teacher forcing), for z = posterior mean and z sampled,
    decoded greedily and at temperature 1. Of pictures, errors of the expected picture, beside those of baselines
    without a network (principal components, a linear map, enlargement), fitted to the training part of the data. Rate,
    distortion, ELBO and likelihood are in nats a window or picture. docs/evaluation.md explains each figure.
    """

    model: Annotated[Positional[str], arg(metavar="MODEL", help_behavior_hint="")]
    """name of a model that ships, or a folder that training wrote"""
    data: UseAppendAction[tuple[str, ...]] = ()
    """folder, archive or file of MIDI (or of pictures) that the model was not trained on, all of which is measured; or
    data that come split, as a corpus that training wrote does, of which --part is measured. May be given several
    times"""
    part: Literal["train", "validation", "test"] = "test"
    """the part to measure of data that come split"""
    device: str = "cpu"
    """where the model runs: cpu, cuda, mps"""
    seed: int = 0
    """seed of the samples of z and of the data"""
    samples: Annotated[int | None, arg(metavar="INT", help_behavior_hint="(default: pictures 50, music none)")] = None
    """for pictures: number of z that bound the likelihood of each, 0 leaves it out. For music: number of new windows,
    and of midpoints between songs, to compare with the held-out ones, e.g. 2000 (minutes)"""
    temperature: Annotated[float | None, arg(metavar="FLOAT", help_behavior_hint="(default: 0, greedy)")] = None
    """for music: temperature at which the new windows are decoded"""
    most: Annotated[int | None, arg(metavar="INT", help_behavior_hint="(default: all)")] = None
    """for pictures: number of them, drawn by the seed, whose likelihood is bounded"""
    judge: Annotated[Path | None, arg(metavar="FOLDER", help_behavior_hint="(default: none)")] = None
    """for pictures: a classifier that python -m musicae.judge trained, which judges generated pictures"""

    def run(self) -> None:
        """Measure and print."""
        from musicae.loading import load

        model = load(self.model, self.device)
        for option in OF_PICTURES if model.preset.musical else OF_MUSIC:
            if getattr(self, option) is not None:
                raise ConfigError(wrong_kind(option, model.preset))
        if not self.data:
            raise DataError("no data given: name files that the model was not trained on with --data")
        measured = self._measured(model)
        lines = table(measured["held_out"])
        if "made_up" in measured:
            lines += sample_report(measured["made_up"])
        if not model.preset.musical and "baselines" not in measured["held_out"]:
            self.say("no baselines: the data have no training part to fit them to")
        self.result({"model": self.model, "part": self.part, **measured}, lines)

    def _measured(self, model: MusicModel | ImageModel) -> dict[str, Any]:
        """The figures of the part, and of music the comparison of new windows with it.

        Raises:
            DataError: there are no data, or too few for what is asked.
        """
        from musicae.after_training import figures
        from musicae.datasets import open_data
        from musicae.skipped import keep

        options = {} if model.preset.musical else self._picture_options(model)
        with tempfile.TemporaryDirectory() as folder:
            splits = open_data(model.preset, self.data, Path(folder), quiet=self.quiet, held_out=True)
            number = len(getattr(splits, self.part))
            if not number:
                raise DataError(f"the data have nothing in their {self.part} part: try another --part")
            self.say(splits.report)
            for sentence in (*keep(splits.skipped), *circumstances(model)):
                self.say(sentence)
            if model.preset.musical and self.samples:
                from musicae.music.evaluation.two_sample import enough_songs

                enough_songs(getattr(splits, self.part))  # before it takes minutes
            bounded = min(number, number if self.most is None else self.most) * options.get("samples", 0)
            with self.progress(number + bounded, "measuring", "decodes") as bar:
                measured = figures(model, splits, self.part, seed=self.seed, progress=bar.update, **options)
            if model.preset.musical and self.samples:
                self.say(f"comparing {self.samples:,} samples with held-out music: this takes minutes")
                measured["made_up"] = self._comparison(model, splits)
        return measured

    def _comparison(self, model: MusicModel, splits: Splits) -> dict[str, Any]:
        """How new windows and midpoints compare with the part that is measured."""
        from musicae.music.evaluation.two_sample import two_sample_report

        train = None if self.part == "train" else splits.train
        options = {"samples": self.samples, "seed": self.seed, "temperature": self.temperature or 0.0}
        return two_sample_report(model, getattr(splits, self.part), train, **options)

    def _picture_options(self, model: ImageModel) -> dict[str, Any]:
        """The options of `ImageModel.evaluate`.

        Raises:
            ConfigError: the model has no likelihood to bound.
        """
        from musicae.images.classifier import ImageClassifier
        from musicae.images.evaluation import likelihood_samples

        classifier = ImageClassifier.load(self.judge) if self.judge else None
        return {"samples": likelihood_samples(model, self.samples), "most": self.most, "classifier": classifier}


def circumstances(model: MusicModel | ImageModel) -> list[str]:
    """Sentences on what the figures depend on beside the data: conditions, and the corruption of the input."""
    preset = model.preset
    conditions = preset.conditioning.names
    sentences = [f"conditioned on the {' and the '.join(conditions)} of each example"] if conditions else []
    if preset.corruption is not None:
        changed = {name: value for name, value in vars(preset.corruption).items() if value not in (False, 0, ())}
        settings = ", ".join(f"{name}={value}" for name, value in changed.items())
        corruption = f"{type(preset.corruption).__name__}({settings})"
        sentences.append(f"the model gets each example corrupted by {corruption}, and has to restore the whole")
    return sentences


if __name__ == "__main__":
    main(Evaluate, "evaluate")
