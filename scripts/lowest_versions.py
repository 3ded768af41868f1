"""The oldest versions of what `pyproject.toml` depends on, as requirements for pip; of torch none."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def main() -> None:
    """Print one requirement a line."""
    for requirement in tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["dependencies"]:
        name, version = re.match(r"([\w-]+)>=([\w.]+)", requirement).groups()
        if name != "torch":
            print(f"{name}=={version}")


if __name__ == "__main__":
    main()
