"""The readable files of a model folder, `config.json` and `metrics.json`; read without torch, so at once."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from musicae.errors import CheckpointError, FileError
from musicae.files import read_file, write_atomically

CONFIG, METRICS = "config.json", "metrics.json"
DEEPEST = 32  # lists and dictionaries within each other: settings have eight at most


def write_json(folder: Path, name: str, content: dict) -> None:
    """Write `config.json` or `metrics.json`."""
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    write_atomically(Path(folder) / name, text.encode(), force=True)


def read_json(folder: Path, name: str) -> dict:
    """What `config.json` or `metrics.json` says.

    Raises:
        CheckpointError: it is missing or is not JSON.
    """
    path = Path(folder) / name
    if not path.exists():
        raise CheckpointError(f"{folder}: no {name} in it, so it is not a model folder")
    content = parse_json(path)
    if not isinstance(content, dict):
        raise CheckpointError(f"{path}: holds a {type(content).__name__}, not the settings of a model")
    return content


def parse_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises:
        CheckpointError: it cannot be read, is not JSON, is too large or too deeply nested, or says something twice.
    """
    try:
        content = json.loads(read_file(path).decode(), object_pairs_hook=_only_once)
    except FileError as error:
        raise CheckpointError(str(error)) from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: cannot be read ({str(error)[:200]})") from error
    level, depth = [content], 0
    while level:
        depth += 1
        level = [inner for one in level if isinstance(one, dict | list) for inner in _inside(one)]
    if depth > DEEPEST:
        raise CheckpointError(f"{path}: {depth} lists and settings within each other; at most {DEEPEST} can be read")
    return content


def read_metrics(folder: Path) -> dict:
    """What `metrics.json` says; nothing where it is missing or damaged, for nothing depends on it."""
    try:
        return read_json(folder, METRICS)
    except CheckpointError:
        return {}


def _only_once(pairs: list[tuple[str, Any]]) -> dict:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} is there twice")
    return content


def _inside(content: dict | list) -> Iterable:
    return content.values() if isinstance(content, dict) else content
