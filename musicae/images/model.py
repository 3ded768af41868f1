"""A trained model of pictures: the verbs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from musicae.core.geometry import lerp, slerp
from musicae.errors import ConfigError
from musicae.images.baselines import baselines
from musicae.images.codec import ImageCodec
from musicae.images.evaluation import (
    check_classifier,
    generated_figures,
    likelihood_figures,
    likelihood_samples,
    reconstruction_figures,
)
from musicae.images.metrics import code_statistics, neighbours
from musicae.images.picture_set import PictureSet

if TYPE_CHECKING:
    from PIL.Image import Image

    from musicae.images.classifier import ImageClassifier
    from musicae.images.evaluation import Progress


class ImageModel(ImageCodec):
    """A trained model of pictures, as `musicae.load` gives it.

    A picture is whatever `Pictures.read` reads: a path, bytes, a `PIL.Image`, an array. Several are a list of
    these or an array `[n, channels, height, width]`.
    """

    def reconstruct(self, pictures, labels=None) -> list[Image]:
        """The reconstruction of one picture or several: `decode` after `encode`; `labels` as in `encode`.

        A model of denoising or super-resolution restores them.
        """
        return self.decode(self.encode(pictures, labels), labels)

    def sample(self, n: int = 8, seed: int = 0, labels=None) -> list[Image]:
        """`n` new pictures: decodes of draws from the prior.

        Args:
            n: how many.
            seed: of the draws.
            labels: of a conditional model, the class of each, or one for all; without them all classes in turn.

        Raises:
            ConfigError: labels that `condition` refuses.
        """
        return self.decode(self.draw(n, seed), self.round_robin_labels(n) if labels is None else labels)

    def interpolate(self, a, b, steps: int = 7, linear: bool = False, label: int | None = None) -> list[Image]:
        """Pictures from one to another, with the reconstructions of both as ends.

        Args:
            a: a picture.
            b: a picture.
            steps: how many pictures, at least 2.
            linear: along a straight line instead of a great circle.
            label: of a conditional model, the class of all.

        Raises:
            ConfigError: fewer than 2 steps, or a label that `condition` refuses.
        """
        if steps < 2:
            raise ConfigError(f"{steps} steps cannot hold both ends: give 2 or more")
        start, end = (torch.from_numpy(self.encode(picture, label)[0]) for picture in (a, b))
        path = (lerp if linear else slerp)(start, end, torch.linspace(0, 1, steps))
        return self.decode(path.numpy(), label)

    def vary(
        self, picture, n: int = 4, *, strength: float = 0.3, seed: int = 0, label: int | None = None
    ) -> list[Image]:
        """`n` pictures like one: decodes of points between its latent vector and draws from the prior.

        Args:
            picture: what to vary.
            n: how many.
            strength: the position of these points, from 0 (the reconstruction) to 1 (new samples).
            seed: of the draws.
            label: of a conditional model, the class of all.

        Raises:
            ConfigError: a strength outside 0..1, or a label that `condition` refuses.
        """
        if not 0 <= strength <= 1:
            raise ConfigError(f"strength {strength}: it must lie between 0 and 1")
        others = torch.from_numpy(self.draw(n, seed))
        z = torch.from_numpy(self.encode(picture, label)).expand_as(others)
        return self.decode(slerp(z, others, torch.tensor([strength]))[0].numpy(), label)

    def evaluate(
        self,
        examples: PictureSet,
        known: PictureSet | None = None,
        *,
        samples: int | None = None,
        most: int | None = None,
        classifier: ImageClassifier | None = None,
        seed: int = 0,
        progress: Progress = None,
    ) -> dict:
        """All figures on held-out pictures; `musicae.images.evaluation` lists them.

        Args:
            examples: pictures that the model was not trained on.
            known: training pictures: baselines are fitted to them, and neighbours are searched among those with labels.
                Without them there are no baselines, and neighbours are searched among `examples`.
            samples: of z, by which the likelihood of each picture is bounded; by default `likelihood_samples`.
            most: of so many pictures at most, drawn by the seed, the likelihood is bounded; by default of all.
            classifier: classifies generated pictures.
            seed: of everything random.
            progress: called with the number of decodes done after every batch: one for each picture, and `samples` more
                for each whose likelihood is bounded.

        Raises:
            ConfigError: samples of a model without a density of z, or a classifier of other pictures.
        """
        samples = likelihood_samples(self, samples)
        if most is not None and most < 1:
            raise ConfigError(f"the likelihoods of {most} pictures: ask for 1 or more")
        if classifier is not None:
            check_classifier(classifier, self)
        figures = reconstruction_figures(self, examples, seed, progress)
        figures["codes"] = code_statistics(self.draws(examples, seed), seed)
        figures |= neighbours(lambda pictures: self.means(pictures, seed), examples, known)
        if samples:
            figures |= likelihood_figures(self, examples, samples, most, seed, progress)
        if known is not None and len(known):
            figures["baselines"] = baselines(known, examples, self.network.latent, self.preset.corruption, seed)
        if classifier is not None:
            figures["generated"] = generated_figures(self, classifier, examples, known, seed)
        return figures
