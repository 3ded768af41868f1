"""Checkpoints of the original MusicVAE: read, compared number by number, and written for magenta.js."""

from __future__ import annotations

from pathlib import Path

from musicae.core.configuration import in_words
from musicae.errors import CheckpointError
from musicae.music.magenta import javascript, tensorflow
from musicae.music.magenta.checkpoints import Checkpoint

__all__ = ["Checkpoint", "open_checkpoint"]


def open_checkpoint(path: str | Path) -> Checkpoint:
    """A checkpoint of TensorFlow or of magenta.js, recognised by what is there.

    Args:
        path: a folder, an archive (.tar, .tar.gz), or the prefix of TensorFlow's files (`model.ckpt-1234`).

    Raises:
        CheckpointError: there is none, or it is damaged.
    """
    path = Path(path)
    path = path.parent if path.name in (javascript.MANIFEST, javascript.CONFIG) else path
    kind = javascript if (path / javascript.MANIFEST).exists() else tensorflow
    with in_words(f"{path}: damaged, or no checkpoint", CheckpointError):
        return kind.read(path)
