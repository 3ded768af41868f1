#!/usr/bin/env bash
# Trains the melody-2bar that ships, from a folder of the data sets that its README section names (as .tar.gz archives).
#
#   scripts/train_melody_2bar.sh DATA_FOLDER [OPTIONS OF TRAIN]      about 75 minutes on one core that multiplies bf16
set -euo pipefail
data=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
unpacked=$folder/data
mkdir "$unpacked"
sources=(openscore_lieder openewld openhymnal js_fakes freedoom_midi free_music)
for name in "${sources[@]}"; do tar -xzf "$data/$name.tar.gz" -C "$unpacked"; done
python -m musicae.train melody-2bar --out runs/melody-2bar \
    --data "$unpacked/openscore_lieder/midi" --data "$unpacked/openewld/midi" --data "$unpacked/openhymnal/midi" \
    --data "$unpacked/js_fakes/midi" --data "$unpacked/freedoom_midi" --data "$unpacked/free_music" "${@:2}"
python scripts/ship.py runs/melody-2bar
python -m musicae.evaluate melody-2bar --data runs/melody-2bar/corpus
