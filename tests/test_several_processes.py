"""Training by name on several processes. Run as a module by `torchrun`, this file is one of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import tiny
import torch
from core.training_run import rows
from launching import ended, torchrun

from musicae.core.processes import rank
from musicae.fitting import fit
from musicae.music.data import corpus


def test_they_compute_what_one_does_and_the_first_cuts_the_corpus_alone(tmp_path, tunes, finished):
    """Before they form a group, in which waiting has a limit; and nobody but the first writes."""
    ended(torchrun("--standalone", "--nproc_per_node", 2, "-m", "test_several_processes", tunes, tmp_path))
    assert [path.name for path in tmp_path.glob("cut by *")] == ["cut by 0"]
    for two, one in zip(rows(tmp_path / "run"), rows(finished), strict=True):
        assert (two["step"], two["split"]) == (one["step"], one["split"])
        assert float(two["loss"]) == pytest.approx(float(one["loss"]), rel=1e-4)
    names = [{path.name for path in folder.iterdir()} for folder in (tmp_path / "run", finished)]
    assert names[0] == names[1]


def train(music: Path, folder: Path) -> None:
    """Train in a sub-folder, and leave word of who cut the corpus."""
    cut = corpus.build

    def build(*arguments, **options):
        assert not torch.distributed.is_initialized()
        (folder / f"cut by {rank()}").touch()
        return cut(*arguments, **options)

    corpus.build = build
    fit(tiny.MELODY, [music], folder / "run", device="cpu")


if __name__ == "__main__":
    train(*map(Path, sys.argv[1:]))
