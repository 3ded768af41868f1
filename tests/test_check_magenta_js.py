"""What the client of magenta.js decoded: `scripts/check_magenta_js.py --record` wrote it to data/magenta_js.json."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np
import pytest

TESTS = Path(__file__).parent
RECORDED = json.loads((TESTS / "data/magenta_js.json").read_text())


@pytest.fixture
def script(monkeypatch):
    """The module check_magenta_js."""
    monkeypatch.syspath_prepend(str(TESTS.parent / "scripts"))
    return importlib.import_module("check_magenta_js")


def test_every_model_of_the_script_is_recorded(script):
    assert RECORDED.keys() == script.presets().keys()


@pytest.mark.parametrize("name", RECORDED)
def test_the_same_is_decoded_as_by_the_client(script, name, tmp_path):
    preset = script.presets()[name]
    model = script.random_model(preset, tmp_path)
    _, conditions = script.controls(script.CASES[preset.name], script.tunes(preset)[0], model)
    (ours,) = script.our_decodes(model, script.latents(preset)[:1], conditions)
    assert script.same(ours, np.array(RECORDED[name]).T, preset)
