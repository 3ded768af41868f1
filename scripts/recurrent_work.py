"""A work of a recurrent model, done as often as lines are read; after each its processor time is printed.

    python scripts/recurrent_work.py decode NAME BATCH
    python scripts/recurrent_work.py train NAME BATCH {float32,bf16}

`scripts/benchmark_original.py` runs it, also with the package of another commit.
"""

from __future__ import annotations

import sys

import torch
from timed import HALFWAY, for_each_line

from musicae.core.data import Batch
from musicae.core.speed import decoding, training_step
from musicae.loading import build_network
from musicae.presets import PRESETS


def main(kind: str, name: str, batch: str, precision: str = "float32") -> None:
    """Do it and say how long it took."""
    torch.set_num_threads(1)
    preset, n = PRESETS[name], int(batch)
    model = build_network(preset)
    if kind == "decode":
        work = decoding(model.eval(), n)
    else:
        spec = preset.representation.example_spec
        x = torch.randint(0, spec.outputs, (n, *spec.size), generator=torch.Generator().manual_seed(0))
        work = training_step(model, preset.objective, Batch(x, None, None), step=HALFWAY, bf16=precision == "bf16")
    for_each_line(work)


if __name__ == "__main__":
    main(*sys.argv[1:])
