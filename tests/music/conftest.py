"""Models of music with random weights."""

from __future__ import annotations

import pytest
import tiny


@pytest.fixture(scope="module", params=tiny.MUSIC, ids=lambda preset: preset.name)
def model(request):
    return tiny.model(request.param)


@pytest.fixture(scope="module")
def melody():
    return tiny.model(tiny.MELODY)


@pytest.fixture(scope="module", params=tiny.FAMILY, ids=lambda preset: preset.name)
def member(request):
    return tiny.model(request.param)
