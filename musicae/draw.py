"""`python -m musicae.draw FIGURE MODEL`: every figure of a model of pictures, as PNG."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg

from musicae.cli.outputs import OutputOptions, save_picture
from musicae.cli.run import main
from musicae.errors import ConfigError
from musicae.files import safe_name

if TYPE_CHECKING:
    from musicae.images.classifier import ImageClassifier
    from musicae.images.gallery import Drawing
    from musicae.images.model import ImageModel

CURVES, CLASSIFIED = "curves", "noise"


@dataclass(frozen=True)
class Draw(OutputOptions):
    """Draw a figure of a model of pictures.

    reconstructions: originals over their reconstructions. restored: corrupted pictures, the restored ones, and the
    originals. scatter: latent means by class. manifold: the latent plane decoded. styles: the same latent vectors in
    every class. interpolation: from picture to picture. samples: new pictures. noise: the effect of noise in latent
    space. curves: the losses of the training.
    """

    figure: Annotated[Positional[str], arg(metavar="FIGURE", help_behavior_hint="")]
    """reconstructions, restored, scatter, manifold, styles, interpolation, samples, noise or curves"""
    model: Annotated[Positional[str], arg(metavar="MODEL", help_behavior_hint="")]
    """folder that training wrote"""
    data: Annotated[str | None, arg(metavar="DATA", help_behavior_hint="(default: what it was trained on)")] = None
    """folder, archive or file of pictures that the model was not trained on; or digits, photos or noise, which need no
    file"""
    part: Literal["train", "validation", "test"] = "test"
    """which part of data that have such parts"""
    number: Annotated[int | None, arg(aliases=["-n"], metavar="INT", help_behavior_hint="(default: its own)")] = None
    """how many pictures, rows or points; of a manifold, the points along each side"""
    judge: Annotated[Path | None, arg(metavar="FOLDER", help_behavior_hint="(default: none)")] = None
    """for noise: classifier that python -m musicae.judge trained, to measure how many pictures keep their class"""
    device: str = "cpu"
    """where the model runs: cpu, cuda, mps"""
    seed: int = 0
    """seed of all random numbers; the same seed gives the same file"""

    def run(self) -> None:
        """Draw and write."""
        from musicae.images.gallery import FIGURES

        if self.figure not in (*FIGURES, CURVES):
            raise ConfigError.unknown("figure", self.figure, (*FIGURES, CURVES))
        drawing, name = self._curves() if self.figure == CURVES else self._pictures()
        path = self.target(f"{safe_name(name)}_{self.figure}", ".png")
        plan = {"png": [save_picture(drawing.image, path, self.force)]}
        self.result({"files": plan, "seed": self.seed, **drawing.data}, [f"saved {path}"])

    def _curves(self) -> tuple[Drawing, str]:
        from musicae.fitting import training_table
        from musicae.images.figures import training_curves
        from musicae.images.gallery import Drawing
        from musicae.loading import find, read_preset

        folder = find(self.model)
        rows = training_table(folder)
        return Drawing(training_curves(rows), {"rows": rows}), read_preset(folder).name

    def _pictures(self) -> tuple[Drawing, str]:
        from musicae.images import gallery
        from musicae.loading import load

        model = load(self.model, self.device)
        if model.preset.musical:
            raise ConfigError(f"{model.name} is a model of music, of which only {CURVES} can be drawn")
        self.check_outputs([self.target(f"{safe_name(model.name)}_{self.figure}", ".png")])
        options = {"number": self.number, "seed": self.seed, "classifier": self._classifier()}
        if self.data or gallery.needs_pictures(self.figure, model):
            options |= self._examples(model)
        return gallery.draw(self.figure, model, **options), model.name

    def _examples(self, model: ImageModel) -> dict:
        """The pictures, and the names of their classes."""
        from musicae.datasets import open_data
        from musicae.fitting import trained_on
        from musicae.skipped import keep

        known = trained_on(model.folder)
        data = [self.data] if self.data else known
        with tempfile.TemporaryDirectory() as folder:
            splits = open_data(model.preset, data, Path(folder), quiet=self.quiet, held_out=data != known)
            for sentence in (splits.report, *keep(splits.skipped)):
                self.say(sentence)
        return {"examples": getattr(splits, self.part), "classes": splits.classes}

    def _classifier(self) -> ImageClassifier | None:
        """The classifier, if one is given.

        Raises:
            ConfigError: the figure needs none.
        """
        if self.judge is None:
            return None
        if self.figure != CLASSIFIED:
            raise ConfigError(f"--judge is for the figure {CLASSIFIED}: leave it out")
        from musicae.images.classifier import ImageClassifier

        return ImageClassifier.load(self.judge)


if __name__ == "__main__":
    main(Draw, "draw")
