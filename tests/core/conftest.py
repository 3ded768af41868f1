"""One thread for all tests of the core, which are small, as other work goes on at the same time; and a finished run."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from core.training_run import train

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def uninterrupted(tmp_path_factory) -> Path:
    """The folder of a run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    train(folder)
    return folder
