"""Mutopia or the OpenScore String Quartets as a folder whose works are each in one split, for training.

    python scripts/split_by_work.py mutopia data/mutopia
    python scripts/split_by_work.py openscore_quartets data/openscore_quartets

Movements of a work share their themes, and parts of one march their notes; songs are otherwise split each on its own.
A work is a composer and a title (quartets), or a composer and an opus, the first word of a file's name (Mutopia).
The new folder has links to the files and `info.csv`, which names the split of each: nine of ten works are trained on,
those for a keyboard twice as often as the others.
Left out are songs for voice and piano and string quartets of Mutopia: OpenScore has many of them in other editions,
and what is trained on in one must not be tested on in the other. Printed are the typesetters of what is CC BY.
"""

from __future__ import annotations

import argparse
import csv
from hashlib import sha256
from pathlib import Path

SPLITS = ("train",) * 18 + ("validation", "test")
KEYBOARDS = ("piano", "harpsichord", "clavichord")


def work(row: dict[str, str]) -> str:
    """What all movements of a work have in common."""
    if "work" in row:
        return f"{row['composer']}/{row['work']}"
    return row["file"].partition("_")[0]


def left_out(row: dict[str, str]) -> bool:
    """Whether OpenScore may have the same piece in another edition."""
    instruments = row.get("instruments", "").lower()
    return ("voice" in instruments and "piano" in instruments) or "quartet" in instruments


def names(row: dict[str, str], split: str) -> list[str]:
    """The names of a file in the new folder."""
    twice = split == "train" and any(one in row.get("instruments", "").lower() for one in KEYBOARDS)
    return [row["file"], row["file"].replace(".mid", ".again.mid")] if twice else [row["file"]]


def credits(rows: list[dict[str, str]]) -> str:
    """Whom files under Creative Commons Attribution are by."""
    return ", ".join(sorted({row["maintainer"] for row in rows if "Attribution" in row["licence"]}))


def main() -> None:
    """Write the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="the data set, with its index.csv")
    parser.add_argument("out", type=Path, help="a new folder")
    options = parser.parse_args()
    with (options.source / "index.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if not left_out(row)]
    options.out.mkdir(parents=True)
    with (options.out / "info.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("midi_filename", "split"))
        for row in rows:
            split = SPLITS[int(sha256(work(row).encode()).hexdigest()[:12], 16) % len(SPLITS)]
            for name in names(row, split):
                to = options.out / name
                to.parent.mkdir(parents=True, exist_ok=True)
                to.symlink_to((options.source / row["file"]).resolve())
                table.writerow((name, split))
    print(credits(rows))


if __name__ == "__main__":
    main()
