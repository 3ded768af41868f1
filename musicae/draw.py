"""`python -m musicae.draw FIGURE MODEL`: every figure of a model of pictures, as PNG."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg

from musicae.cli.options import OutputOptions, save_picture
from musicae.cli.run import main
from musicae.errors import ConfigError

if TYPE_CHECKING:
    from musicae.images.gallery import Drawing
    from musicae.images.model import ImageModel

CURVES, JUDGED = "curves", "noise"


@dataclass(frozen=True)
class Draw(OutputOptions):
    """Draw a figure of a model of pictures.

    reconstructions: originals over their reconstructions. restored: corrupted, restored and original pictures.
    scatter: latent means by class. manifold: the latent plane decoded. styles: label by style. interpolation: from
    picture to picture. samples: new pictures. noise: the effect of noise in latent space. curves: the training.
    """

    figure: Annotated[Positional[str], arg(metavar="FIGURE", help_behavior_hint="")]
    """reconstructions, restored, scatter, manifold, styles, interpolation, samples, noise or curves"""
    model: Annotated[Positional[str], arg(metavar="MODEL", help_behavior_hint="")]
    """folder that training wrote"""
    data: Annotated[str | None, arg(metavar="DATA", help_behavior_hint="(default: what it was trained on)")] = None
    """folder, archive or file of pictures that the model was not trained on; or digits, photos or noise, which need no
    file"""
    part: Literal["train", "validation", "test"] = "test"
    """the part to use of data that come split"""
    number: Annotated[int | None, arg(aliases=["-n"], metavar="INT", help_behavior_hint="(default: by figure)")] = None
    """how many pictures, rows or points; of a manifold, the points along each side"""
    judge: Annotated[Path | None, arg(metavar="FOLDER", help_behavior_hint="(default: none)")] = None
    """classifier that python -m musicae.judge trained; for the figure noise, it counts how many pictures keep their
    class"""
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
        path = self.target(f"{name}_{self.figure}", ".png")
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
            raise ConfigError(f"{model.name} is a model of music, for which there is only the figure {CURVES}")
        self.refuse_existing([self.target(f"{model.name}_{self.figure}", ".png")])
        shown = {"number": self.number, "seed": self.seed, "judge": self._judge()}
        if self.data or gallery.needs_pictures(self.figure, model):
            shown |= self._examples(model)
        return gallery.draw(self.figure, model, **shown), model.name

    def _examples(self, model: ImageModel) -> dict:
        """The pictures, and the names of their classes."""
        from musicae.datasets import open_data
        from musicae.fitting import trained_on

        known = trained_on(model.folder)
        data = [self.data] if self.data else known
        with tempfile.TemporaryDirectory() as folder:
            splits = open_data(model.preset, data, Path(folder), quiet=self.quiet, held_out=data != known)
        self.say(splits.report)
        return {"examples": getattr(splits, self.part), "classes": splits.classes}

    def _judge(self):
        """The judge, if there is one.

        Raises:
            ConfigError: the figure has no use for it.
        """
        if self.judge is None:
            return None
        if self.figure != JUDGED:
            raise ConfigError(f"--judge is for the figure {JUDGED}: leave it out")
        from musicae.images.judge import Judge

        return Judge.load(self.judge)


if __name__ == "__main__":
    main(Draw, "draw")
