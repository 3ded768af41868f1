"""The weights of a model that was trained on, part of the way back to those that it was initialised from.

    python scripts/blend.py runs/BEFORE runs/AFTER --share 0.6

writes `share · after + (1 − share) · before` in place of the weights of AFTER. What was learnt in between is mostly
kept, and most of what was lost in between is restored (Wortsman et al. 2022, *Robust fine-tuning of zero-shot models*).
What was fitted to the codes of AFTER must be fitted again: `scripts/refit.py`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from musicae.core import checkpoints
from musicae.loading import load


def blend(before: Path, after: Path, share: float) -> None:
    """Write the blended weights into the folder `after`."""
    ends = [load(folder).network for folder in (before, after)]
    old, new = (network.state_dict() for network in ends)
    ends[1].load_state_dict({name: old[name].lerp(new[name], share) for name in new})
    checkpoints.write_weights(after, ends[1])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, help="folder of the run that it was initialised from")
    parser.add_argument("after", type=Path, help="folder of the run")
    parser.add_argument("--share", type=float, default=0.6, help="how much of the way to AFTER (default: 0.6)")
    options = parser.parse_args()
    blend(options.before, options.after, options.share)
