"""Command lines as a user types them, in this process or in one of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from musicae.loading import PRETRAINED

SAMPLES = Path(__file__).parent.parent / "midi_samples"
SHIPPED = pytest.mark.skipif(not (PRETRAINED / "melody-2bar" / "model.safetensors").exists(), reason="no weights here")
INPUTS = {"a.mid", "b.mid", "a.png", "b.png"}


def written() -> set[str]:
    """The files in the folder, without the inputs."""
    return {str(path) for path in Path().rglob("*") if path.is_file()} - INPUTS


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """Run Python on arguments, with some variables added to its environment.

    On one thread, for threads that wait for each other cost more than they give.
    """
    environment = os.environ | {"OMP_NUM_THREADS": "1"} | environment
    options = {"capture_output": True, "text": True, "timeout": 120, "check": False, "env": environment}
    return subprocess.run([sys.executable, *arguments], **options)
