"""The modules of the package as trees."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import musicae

PACKAGE = Path(musicae.__file__).parent


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the package, parsed, under its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = ("musicae", *path.relative_to(PACKAGE).with_suffix("").parts)
        found[".".join(parts).removesuffix(".__init__")] = ast.parse(path.read_text(encoding="utf-8"))
    return found
