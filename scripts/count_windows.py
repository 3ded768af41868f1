"""The number of windows that each family of MusicVAE finds in data, and the reasons why files are skipped.

    python scripts/count_windows.py FOLDER_OR_ARCHIVE ...

Prints a table in Markdown with a row for each family and source: songs, windows (training, validation and test
together, without duplicates), files skipped and the most frequent reasons.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from musicae.errors import DataError
from musicae.music.data.corpus import build
from musicae.presets import PRESETS

FAMILIES = {
    "melody, 2 bars": "cat-mel_2bar_small",
    "melody, 2 bars, chords": "cat-mel_2bar_med_chords",
    "melody, 16 bars": "hierdec-mel_16bar",
    "drums, 2 bars": "cat-drums_2bar_small",
    "61 drums, 2 bars": "nade-drums_2bar_full",
    "trio, 16 bars": "hierdec-trio_16bar",
    "groove, 2 bars": "groovae_2bar_humanize",
    "tracks, 1 bar": "hier-multiperf_vel_1bar_med",
    "tracks, 1 bar, chords": "hier-multiperf_vel_1bar_med_chords",
}
REASONS = 3  # that are printed


def row(family: str, source: str) -> str:
    """A row of the table."""
    preset, name = PRESETS[FAMILIES[family]], Path(source).name
    with TemporaryDirectory() as folder:
        try:
            index = build(source, preset.representation, folder, track=preset.track, quiet=True).index
        except DataError as error:
            return f"| {family} | {name} | 0 | 0 | all | {str(error).partition('; ')[2]} |"
    skipped = Counter(index["skipped"])
    reasons = "; ".join(f"{number:,} {reason}" for reason, number in skipped.most_common(REASONS))
    windows = sum(index["windows"].values())
    return f"| {family} | {name} | {len(index['songs']):,} | {windows:,} | {skipped.total():,} | {reasons} |"


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="+", metavar="FOLDER_OR_ARCHIVE", help="music to count windows of")
    sources = parser.parse_args().sources
    print("| family | source | songs | windows | skipped | why, mostly |\n|---|---|---|---|---|---|")
    for family in FAMILIES:
        for source in sources:
            print(row(family, source), flush=True)


if __name__ == "__main__":
    main()
