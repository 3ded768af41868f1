from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from core.training_run import SETTINGS, assert_same_weights, state, trainer
from musicae.core.devices import compile_parts, tf32


class Broken(Exception):
    pass


def broken(call, **_):
    def compiled(*args, **kwargs):
        raise Broken("no compiler\nmore of it")

    return compiled


def test_parts_are_compiled_in_place(monkeypatch):
    calls = []
    monkeypatch.setattr("torch.compile", lambda call, **_: lambda *args: calls.append(1) or call(*args))
    part = nn.Linear(2, 2)
    names = list(part.state_dict())
    assert compile_parts([part], lambda: part(torch.ones(1, 2))) is None
    part(torch.ones(1, 2))
    assert len(calls) == 2
    assert list(part.state_dict()) == names


def test_what_cannot_be_compiled_is_trained_without_and_that_is_said(tmp_path, monkeypatch, capsys, uninterrupted):
    monkeypatch.setattr("torch.compile", broken)
    running = trainer(tmp_path, replace(SETTINGS, compile=True))
    running.quiet = False
    running.run()
    assert "not compiled, so training is as fast as without: no compiler\nstep 10 of 40" in capsys.readouterr().err
    assert_same_weights(state(tmp_path), state(uninterrupted))


@pytest.mark.parametrize("allowed", [True, False])
def test_tf32_is_for_a_while_and_for_gpus_alone(allowed):
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    with tf32(allowed, torch.device("cuda")):
        assert torch.get_float32_matmul_precision() == ("high" if allowed else "highest")
        assert torch.backends.cudnn.allow_tf32 is allowed
    assert (torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32) == before
    with tf32(allowed, torch.device("cpu")):
        assert (torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32) == before
