"""What tests of pictures share."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from images.making import SETTINGS, random_model
from musicae.core.bottlenecks import Gaussian, Point
from musicae.core.networks import Convolutional, Dense
from musicae.images.classifier import Classifier, ClassifierSettings, ImageClassifier
from musicae.images.datasets import open_pictures
from musicae.images.model import ImageModel
from musicae.images.pictures import to_image


@pytest.fixture(scope="module")
def digits():
    return open_pictures("digits", SETTINGS.representation)


@pytest.fixture(scope="module")
def pictures(digits) -> list[Image.Image]:
    return [to_image(values) for values in digits.test.batch(np.arange(3)).x.numpy()]


@pytest.fixture(params=[(Dense((16,)), 2, Gaussian()), (Convolutional((4, 8), 1), 5, Point())], ids=["vae", "ae"])
def model(request) -> ImageModel:
    return random_model(*request.param)


@pytest.fixture(scope="module")
def classifier() -> ImageClassifier:
    """One with random weights."""
    settings = ClassifierSettings(SETTINGS.representation, 10, SETTINGS.training, features=6)
    torch.manual_seed(0)
    return ImageClassifier(settings, Classifier(settings), {"accuracy": 0.1})
