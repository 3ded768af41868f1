#!/usr/bin/env bash
# Trains a model that ships, on a folder of the data sets that its README section names (as .tar.gz archives), adds it to
# those that ship, and fits its prior, directions and reranker. Times are of one core with bf16 arithmetic.
#
#   scripts/train_shipped.sh DATA_FOLDER melody-2bar      75 minutes
#   scripts/train_shipped.sh DATA_FOLDER melody-16bar     two hours
#   scripts/train_shipped.sh DATA_FOLDER pianoroll-2bar   55 minutes
#   scripts/train_shipped.sh DATA_FOLDER drums-2bar       20 minutes
#   scripts/train_shipped.sh DATA_FOLDER groove-2bar      15 minutes
#   scripts/train_shipped.sh DATA_FOLDER trio-16bar       100 minutes, after melody-16bar and drums-2bar
set -euo pipefail
data=$(cd "$1" && pwd)
name=$2
cd "$(dirname "$0")/.."
export OMP_NUM_THREADS=1
unpacked=$(mktemp -d)
trap 'rm -rf "$unpacked"' EXIT

unpack() { for archive in "$@"; do tar -xzf "$data/$archive.tar.gz" -C "$unpacked"; done; }

train() { python -m musicae.train "$name" --out "runs/$name" --device cpu "$@"; }

songs() {
    unpack openscore_lieder openewld openhymnal js_fakes freedoom_midi free_music
    folders=("$unpacked"/{openscore_lieder/midi,openewld/midi,openhymnal/midi,js_fakes/midi,freedoom_midi,free_music})
    train "${folders[@]/#/--data=}" "$@"
}

# Trains on from the last weights with a smaller beta: again STEPS LEARNING_RATE BETA
again() {
    local before="runs/$name-before-$1-steps"
    mv "runs/$name" "$before"
    train --init "$before" --data "$before/corpus" --steps "$1" --learning-rate "$2" --beta "$3"
    cp -r "$before/corpus" "runs/$name/corpus"
}

# Trains on from the last weights on all folders, at a small learning rate: further STEPS
further() {
    local before="runs/$name-before-$1-further"
    mv "runs/$name" "$before"
    python scripts/finetune.py "$before" --data "${folders[@]}" --out "runs/$name" --steps "$1"
}

case $name in
melody-2bar) songs ;;
melody-16bar)
    songs
    again 3000 1e-3 0.03
    again 1300 6e-4 0.02
    ;;
pianoroll-2bar)
    songs
    again 1200 7e-4 0.04
    unpack mutopia openscore_quartets
    for set in mutopia openscore_quartets; do
        python scripts/split_by_work.py "$unpacked/$set" "$unpacked/works/$set"
        folders+=("$unpacked/works/$set")
    done
    further 500
    further 480
    ;;
drums-2bar)
    unpack groove
    train --data "$unpacked/groove"
    ;;
groove-2bar)
    unpack groove
    train --data "$unpacked/groove"
    again 800 1.2e-3 0.05
    python scripts/blend.py "runs/$name-before-800-steps" "runs/$name" --share 0.6
    ;;
trio-16bar)
    unpack freedoom_midi free_music
    python scripts/study_trios.py --trios "$unpacked/freedoom_midi" "$unpacked/free_music" \
        --melodies runs/melody-16bar/corpus --drums runs/drums-2bar/corpus --runs runs/trios --only "split 0"
    train --data runs/trios/trios_0_mixed --steps 1800
    cp -r runs/trios/trios_0_mixed "runs/$name/corpus"
    again 1900 1.5e-3 0.03
    again 8600 2e-3 0.025
    ;;
*)
    echo "$name: no such model ships" >&2
    exit 2
    ;;
esac
python scripts/ship.py "runs/$name"
case $name in
trio-16bar) python scripts/refit.py "$name" --data runs/trios/trios_0 ;;  # to real songs alone, without mixtures
*) python scripts/refit.py "$name" --data "runs/$name/corpus" ;;
esac
case $name in
melody-2bar | melody-16bar)  # new clips are melodies
    [[ $name == melody-16bar ]] || folders=("${folders[@]:0:4}")  # songs whose melody has a track of its own
    python scripts/refit.py "$name" --data "${folders[@]}" --melodies --corpus "runs/$name/melodies" --only prior
    python scripts/refit.py "$name" --data "runs/$name/melodies" --only reranker
    ;;
esac
