#!/usr/bin/env bash
# Trains the models of drums that ship, from the unpacked Groove MIDI Dataset, whose own split is used.
#
#   scripts/train_grooves.sh GROOVE      18 and 30 minutes on one core that multiplies bf16
set -euo pipefail
groove=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
export OMP_NUM_THREADS=1
python -m musicae.train groove-2bar-humanise --data "$groove" --device cpu
python scripts/ship.py runs/groove-2bar-humanise
tap=groovae_2bar_tap_fixed_velocity
python scripts/benchmark_musicvae.py --groove "$groove" --minutes 30 --runs runs --only $tap
cp -r runs/groove runs/$tap/corpus
python scripts/ship.py runs/$tap
