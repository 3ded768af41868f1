"""Times of encoding and decoding of the recurrent networks, at full size and with random weights.

    python scripts/benchmark_decoding.py --threads 2

For comparison each table has, where it was measured, the time of the original in TensorFlow 2.15.1 on two shared cores
of another machine: an order of magnitude, not a ratio. Times are medians of five calls after one to warm up.
"""

from __future__ import annotations

import argparse

import torch

from musicae.core.speed import decoding, seconds
from musicae.loading import build_network
from musicae.presets import PRESETS

CASES = (  # name, batch, and the original's seconds to decode and to encode
    ("cat-mel_2bar_small", 1, None, None),
    ("cat-mel_2bar_small", 8, 0.016, 0.024),
    ("cat-mel_2bar_small", 512, None, None),
    ("cat-drums_2bar_small", 8, None, None),
    ("nade-drums_2bar_reduced", 8, None, None),
    ("groovae_2bar_humanize", 8, None, None),
    ("hier-multiperf_vel_1bar_med", 8, None, None),
    ("cat-mel_2bar_big", 4, 1.71, 0.64),
    ("hierdec-mel_16bar", 4, 2.6, 18.8),
)


@torch.no_grad()
def measured(name: str, batch: int) -> tuple[float, float]:
    """Seconds to decode greedily and to encode."""
    preset = PRESETS[name]
    network = build_network(preset).eval()
    z = torch.randn(batch, preset.latent, generator=torch.Generator().manual_seed(0))
    x = network.decode(z).mode()
    decode, encode = seconds(decoding(network, batch), lambda: network.encode(x).mean)
    return decode, encode


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2, help="of PyTorch (default: 2)")
    torch.set_num_threads(parser.parse_args().threads)
    print(f"{'configuration':30}{'batch':>6}{'decode':>10}{'original':>10}{'encode':>10}{'original':>10}")
    for name, batch, *theirs in CASES:
        ours = measured(name, batch)
        numbers = [value for pair in zip(ours, theirs, strict=True) for value in pair]
        shown = "".join(f"{'-' if value is None else f'{value:.3f} s':>10}" for value in numbers)
        print(f"{name:30}{batch:6}{shown}", flush=True)


if __name__ == "__main__":
    main()
