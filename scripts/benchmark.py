"""Speed of reading, training, decoding and a cold start, each relative to something else in the same run.

    python scripts/benchmark.py                          all of it, some minutes
    python scripts/benchmark.py --only reading --midi FOLDER
    python scripts/benchmark.py --only windows --midi FOLDER
    python scripts/benchmark.py --only training decoding large
    python scripts/benchmark.py --only cold

reading   from MIDI files to training windows, compared with plain Python on pretty_midi and on music21
windows   the same for every representation, `strict` and our own, compared with the original's converters
corpus    from a folder to a corpus: two processes compared with one
training  steps of the convolutional and of the recurrent model of two-bar melodies, in float32 and in bf16
decoding  greedy decodes at batch 1 and 512, compared with MusicVAE's small configuration, of about as many weights
large     the same compared with its large configuration, which is more accurate than the small one
cold      `python -m musicae.interpolate`, stage by stage, compared with `python -c "import torch"`

Everything runs on one thread, each part in a process of its own, alternating between what is compared. Times are
processor times, which do not depend on other work on the machine; for the cold start also wall times. Peak memory is
that of the process, with all that is compared in it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from functools import partial
from importlib.metadata import version
from io import BytesIO
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from musicae import Error
from musicae.music.extraction.extract import training_windows

ROOT = Path(__file__).parents[1]
OURS, SMALL, LARGE = "melody-2bar", "cat-mel_2bar_small", "cat-mel_2bar_big"
STEPS, BATCH = 32, 128
HALFWAY = 6908  # the step at which scheduled sampling has probability 1/2
SLOW = 5  # files for music21, which takes seconds for a long song
MEMORY = 2**20 if sys.platform == "darwin" else 2**10  # ru_maxrss to MB: it is in bytes there, in KB elsewhere
PACKAGES = ("torch", "numpy", "symusic", "pretty_midi", "music21")


# Reading ----------------------------------------------------------------------------------------


def read_here(path: Path) -> np.ndarray:
    """The two-bar windows of the melody of a file, `[n, 32]`."""
    from musicae.music.representations import Melody
    from musicae.music.song import Song

    return training_windows(Melody(STEPS), Song.read(path))[0]


def read_with_pretty_midi(path: Path) -> set[tuple[int, ...]]:
    """The same in plain Python, on pretty_midi."""
    import pretty_midi

    music = pretty_midi.PrettyMIDI(str(path))

    def step(seconds: float) -> float:
        return music.time_to_tick(seconds) * 4 / music.resolution

    tracks = [
        (part.name, [(step(note.start), step(note.end), note.pitch) for note in part.notes])
        for part in music.instruments
        if not part.is_drum
    ]
    return cut(tracks, [step(seconds) for seconds in music.get_downbeats()])


def read_with_music21(path: Path) -> set[tuple[int, ...]]:
    """The same in plain Python, on music21."""
    from music21 import converter

    score = converter.parse(path, forceSource=True)  # not from its cache
    tracks = [(str(part.partName), list(_sounding(part.flatten().notes))) for part in score.parts]
    measures = score.parts[0].getElementsByClass("Measure")
    return cut(tracks, [float(measure.offset) * 4 for measure in measures])


def _sounding(elements) -> Iterator[tuple[float, float, int]]:
    """(start, end, pitch) in steps of music21's notes and chords."""
    for element in elements:
        for pitch in element.pitches:
            start = float(element.offset) * 4
            yield start, start + float(element.quarterLength) * 4, pitch.midi


def cut(tracks: list[tuple[str, list[tuple[float, float, int]]]], bars: list[float]) -> set[tuple[int, ...]]:
    """The windows of the track named "melody", or else of the highest.

    Args:
        tracks: name and notes (start, end, pitch) of each, in steps.
        bars: where bars begin, in steps.
    """
    tracks = [(name, notes) for name, notes in tracks if notes]
    if not tracks:
        return set()
    notes = max(tracks, key=lambda track: ("melody" in track[0].lower(), sum(n[2] for n in track[1]) / len(track[1])))[
        1
    ]
    top: dict[int, tuple[int, int]] = {}
    for start, end, pitch in sorted(notes):
        at = int(start + 0.5)
        if at not in top or pitch > top[at][0]:
            top[at] = pitch, max(int(end + 0.5), at + 1)
    tokens = [0] * (max(end for _, end in top.values()) + STEPS + 16)
    starts = sorted(top)
    for at, following in zip(starts, [*starts[1:], len(tokens)], strict=True):
        pitch, end = top[at]
        tokens[at] = 2 + pitch - 21
        if end < following:
            tokens[end] = 1
    lines = [int(bar + 0.5) for bar in bars]
    found = {tuple(tokens[line : line + STEPS]) for line in lines if line + STEPS <= len(tokens)}
    return {window for window in found if max(window) > 1}


def reading(options: argparse.Namespace) -> None:
    """Files a second, from MIDI to windows."""
    from musicae.core.speed import seconds

    found = (path for path in sorted(options.midi.rglob("*.mid")) if windows_of(path))
    files = list(islice(found, options.files))
    if not files:
        sys.exit(f"{options.midi}: no MIDI file with a melody; name a folder with --midi")
    others = {"pretty_midi": (read_with_pretty_midi, files, 3), "music21": (read_with_music21, files[:SLOW], 1)}
    for name, (reader, some, times) in others.items():
        works = [lambda read=read, some=some: [read(path) for path in some] for read in (read_here, reader)]
        ours, theirs = (len(some) / time for time in seconds(*works, rounds=times, clock=time.process_time))
        same = np.mean([overlap(windows_of(path), reader(path)) for path in some])
        print(
            f"{len(some)} files: {ours:,.0f} a second, with {name} {theirs:,.1f}: {ours / theirs:.0f} times as many "
            f"({same:.0%} of the windows the same)"
        )


def windows_of(path: Path) -> set[tuple[int, ...]]:
    """The windows of a file; none if it cannot be read or has no melody."""
    from musicae import Error

    try:
        return set(map(tuple, read_here(path).tolist()))
    except Error:
        return set()


def overlap(a: set, b: set) -> float:
    """The Jaccard index of two sets: the size of their intersection over that of their union."""
    return len(a & b) / max(len(a | b), 1)


# Windows ----------------------------------------------------------------------------------------

# Processor time of the original (magenta 2.1.4 on note-seq 0.0.5: a file to the windows of a configuration), as a
# multiple of that of pretty_midi alone, which it reads with: measured on 20 files of Freedoom (33 KB on average) and on
# midi_samples (1.7 KB), Python 3.11. It does not install beside a current numpy, so only pretty_midi is timed here.
ORIGINAL = {"melody": (1.5, 1.8), "16 bars": (2.4, 1.8), "drums": (1.5, 2.2), "trio": (2.1, 1.9), "band": (3.5, 5.0)}
SHORT = 4096  # bytes: up to here a file is like those of midi_samples


def windows(options: argparse.Namespace) -> None:
    """Microseconds a file, from its bytes to windows, and how many times as long the original takes."""
    import pretty_midi

    from musicae.core.speed import seconds
    from musicae.music.extraction import extract
    from musicae.music.representations import Drums, Melody, Multitrack, Trio

    files = [path.read_bytes() for path in islice(sorted(options.midi.rglob("*.mid")), options.files)]
    short = sum(map(len, files)) / len(files) <= SHORT
    kinds = {
        "melody": (Melody(STEPS, strict=True, programs=(0, 31)), Melody(STEPS)),
        "16 bars": (Melody(256, strict=True), Melody(256)),
        "drums": (Drums(STEPS, strict=True), Drums(STEPS)),
        "trio": (Trio(256, strict=True), Trio(256)),
        "band": (Multitrack(strict=True), Multitrack()),
    }

    def cut_all(representation) -> None:
        for file in files:
            with contextlib.suppress(Error):
                extract.training_windows(representation, extract.read(representation, file))

    def parse_all() -> None:
        for file in files:
            with contextlib.suppress(Exception):  # whatever mido makes of a broken file
                pretty_midi.PrettyMIDI(BytesIO(file))

    for name, (strict, own) in kinds.items():
        works = [parse_all, partial(cut_all, strict), partial(cut_all, own)]
        parsing, *ours = (time / len(files) * 1e6 for time in seconds(*works, rounds=3, clock=time.process_time))
        original = parsing * ORIGINAL[name][short]
        print(
            f"{name:8} strict {ours[0]:7,.0f} µs a file, {original / ours[0]:4.0f} times as fast as the original; "
            f"own {ours[1]:7,.0f} µs, {original / ours[1]:4.0f} times (pretty_midi alone takes {parsing:,.0f} µs)"
        )


# Models -----------------------------------------------------------------------------------------


def training(options: argparse.Namespace) -> None:
    """Windows a second in training."""
    from musicae.core.speed import seconds, training_step
    from musicae.loading import build_network
    from musicae.music.data.windows import to_batch
    from musicae.presets import PRESETS

    songs = sorted((ROOT / "midi_samples").glob("*.mid"))
    windows = np.array(sorted(set().union(*map(windows_of, songs))), np.uint8)
    batch = to_batch(np.resize(windows, (BATCH, STEPS)), PRESETS[OURS].representation)
    cases = [(name, bf16) for name in (OURS, SMALL) for bf16 in (False, True)]
    works = [
        training_step(build_network(PRESETS[name]), PRESETS[name].objective, batch, step=HALFWAY, bf16=bf16)
        for name, bf16 in cases
    ]
    rates = [BATCH / time for time in seconds(*works, clock=time.process_time)]
    labels = [f"{name}, {'bf16' if bf16 else 'float32'}" for name, bf16 in cases]
    table(f"windows a second in training, batches of {BATCH}", labels, rates)


def decoding(options: argparse.Namespace) -> None:
    """Windows a second, decoded by both small models."""
    _decoding((OURS, SMALL), 5)


def large(options: argparse.Namespace) -> None:
    """Windows a second, decoded by our model and by the large recurrent one."""
    _decoding((OURS, LARGE), 1)


def _decoding(names: tuple[str, ...], times: int) -> None:
    from musicae.core.speed import decoding, seconds
    from musicae.loading import build_network
    from musicae.presets import PRESETS

    models = [build_network(PRESETS[name]) for name in names]
    labels = [f"{name} ({model.size / 1e6:.1f} M weights)" for name, model in zip(names, models, strict=True)]
    for n in (1, 512):
        works = [decoding(model, n) for model in models]
        rates = [n / time for time in seconds(*works, rounds=times, clock=time.process_time)]
        table(f"windows a second, decoded by {n}", labels, rates)


def table(title: str, labels: list[str], rates: list[float]) -> None:
    """Print rates, and the ratio of the first to each."""
    print(title)
    for label, rate in zip(labels, rates, strict=True):
        print(f"  {label:40}{rate:12,.1f}   {rates[0] / rate:8.2f}")


# A cold start -----------------------------------------------------------------------------------


def cold(options: argparse.Namespace) -> None:
    """Seconds and peak memory of the command and of importing PyTorch; and the stages of the command."""
    a, b = (str(ROOT / "midi_samples" / name) for name in ("ode_to_joy.mid", "frere_jacques.mid"))
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder, "between.mid"))
        commands = {
            'python -c "import torch"': ["-c", "import torch"],
            "python -m musicae.interpolate": ["-m", "musicae.interpolate", a, b, "--out", out, "--force"],
            "python -m musicae.interpolate --help": ["-m", "musicae.interpolate", "--help"],
        }
        turns = [{name: run(command)[:3] for name, command in commands.items()} for _ in range(1 + options.runs)][1:]
        for name in commands:
            wall, processor, memory = (statistics.median(turn[name][i] for turn in turns) for i in range(3))
            print(f"{name:40}{wall:6.2f} s, {processor:5.2f} s of processor, {memory:4.0f} MB")
        first, second = list(commands)[:2]
        more = [statistics.median(turn[second][i] - turn[first][i] for turn in turns) for i in range(3)]
        print(f"{'more than importing torch':40}{more[0]:6.2f} s, {more[1]:5.2f} s of processor, {more[2]:4.0f} MB")
        stages = [
            json.loads(run([str(ROOT / "scripts/cold_start.py"), a, b, f"{folder}/{i}.mid"])[3]) for i in range(5)
        ]
        for stage in stages[0]:
            wall, processor = (statistics.median(one[stage][i] for one in stages) for i in range(2))
            print(f"  {stage:38}{wall:6.3f} s, {processor:5.3f} s of processor")


def run(arguments: list[str]) -> tuple[float, float, float, bytes]:
    """Run Python on arguments: seconds on the wall and of the processor, peak MB, and what it prints.

    Python may cache compiled modules, as it does for an installed package.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command, start = [sys.executable, *arguments], time.perf_counter()
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, **pipes, env=environment | {"OMP_NUM_THREADS": "1"}, cwd=ROOT)
    printed = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        sys.exit(f"{' '.join(command)}: ended with status {os.waitstatus_to_exitcode(status)}")
    return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / MEMORY, printed


# Corpus -----------------------------------------------------------------------------------------


def corpus(options: argparse.Namespace) -> None:
    """Files a second from a folder to a corpus, and how many times faster two processes are on two free cores."""
    from musicae.music.data.corpus import FEW, build
    from musicae.music.representations import Melody

    if sum(1 for _ in options.midi.rglob("*.mid")) < FEW:
        print(f"  fewer than {FEW} MIDI files in {options.midi}: name a folder of some thousands with --midi")
        return
    taken = {}
    for workers in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            before = processor_time()
            built = build(options.midi, Melody(STEPS), folder, workers=workers, quiet=True)
            taken[workers] = processor_time() - before
            size = sum(windows.nbytes for windows in built.windows.values()) / 2**20
    songs = len(built.index["songs"]) + sum(built.index["skipped"].values())
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / MEMORY
    print(
        f"  {songs:,} files, {songs / taken[1]:,.0f} a second; {size:,.0f} MB of windows; a child takes {child:,.0f} MB"
    )
    more, faster = taken[2] / taken[1], 2 * taken[1] / taken[2]
    print(f"  two processes take {more:.2f} times the processor time: on two free cores {faster:.2f} times faster")


def processor_time() -> float:
    """Seconds that this process and those that it waited for have computed."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


# ------------------------------------------------------------------------------------------------

PARTS = {f.__name__: f for f in (reading, windows, corpus, training, decoding, large, cold)}


def machine() -> str:
    """The machine and the versions."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"{processor()}, one thread; Python {platform.python_version()}, {packages}"


def processor() -> str:
    """The name of the processor, as far as the system has it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]} ({os.cpu_count()} cores)" if names else platform.processor() or platform.machine()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="only these parts (default: all)")
    parser.add_argument(
        "--midi", type=Path, default=ROOT / "midi_samples", help="folder of MIDI files to read (default: midi_samples)"
    )
    parser.add_argument("--files", type=int, default=60, help="read at most so many of them (default: 60)")
    parser.add_argument(
        "--runs", type=int, default=7, help="times that each command of the cold start is run (default: 7)"
    )
    options = parser.parse_args()
    print(machine(), flush=True)
    for part in options.only:
        print(f"\n{part}", flush=True)
        process = get_context("spawn").Process(target=alone, args=(part, options))
        process.start()
        process.join()
        if process.exitcode:
            sys.exit(process.exitcode)


def alone(part: str, options: argparse.Namespace) -> None:
    """Measure one part, in its own process."""
    warnings.simplefilter("ignore")  # of pretty_midi and music21 about files
    if part in ("training", "decoding", "large"):
        import torch

        torch.set_num_threads(1)
    PARTS[part](options)
    print(f"  peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEMORY:,.0f} MB")


if __name__ == "__main__":
    main()
