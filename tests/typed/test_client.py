"""Type checkers find nothing wrong in a program that uses the package as the README does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.mark.parametrize(
    "checker", [("mypy", "--config-file", str(HERE / "mypy.ini")), ("pyright",)], ids=["mypy", "pyright"]
)
def test_a_client_is_well_typed(checker, tmp_path):
    command = [sys.executable, "-m", *checker, str(HERE / "client.py")]
    environment = os.environ | {"MYPYPATH": str(ROOT), "MYPY_CACHE_DIR": str(tmp_path), "FORCE_COLOR": "0"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=ROOT, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_names_of_the_models_that_ship_are_those_of_the_overload():
    from typing import get_args

    from musicae.loading import PRETRAINED, Shipped

    assert {path.parent.name for path in PRETRAINED.glob("*/config.json")} == {*get_args(Shipped)}
