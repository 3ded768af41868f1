"""Whether two commits of the package do the same: command lines run at both, and all that they write is compared.

    python scripts/same_behaviour.py OLD                   the commit OLD and the working tree as it is
    python scripts/same_behaviour.py OLD NEW               two commits
    python scripts/same_behaviour.py OLD --only steps vae  some of the command lines, and those that these need
    python scripts/same_behaviour.py OLD --slow            those that take long as well
    python scripts/same_behaviour.py OLD --keep FOLDER     the results stay, in FOLDER/old and FOLDER/new

The command lines are in `same_behaviour.txt`: every command, every model that ships, checkpoints of the original, some
steps of training. MIDI, weights, JSON, CSV, PNG, WAV, HTML and exit statuses must be the same, byte for byte; else
there is a line for each file that differs, and the exit status is 1. It takes some minutes on two cores. Floating-point
numbers differ from machine to machine and from one PyTorch to another: so no record is kept, and both sides run here.

What is not compared byte for byte, but part by part:

- settings (`SETTINGS`), which name classes and fields of the code: in the newest format, to which the
  `musicae.migration` of NEW brings both, if it has one;
- what depends on the time (`TIMES`) and the folders of the two sides, which are left out;
- the state of training, which is a pickle: its tensors and numbers;
- messages: sentences on stderr, on stdout without --json, in pages, and in JSON under the names in `MESSAGES`. Those
  that differ are printed, old and new, and count only with --messages. Titles of plots are left without colour.
"""

from __future__ import annotations

import argparse
import csv
import difflib
import hashlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
TABLE = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8")
COMMANDS = dict(re.findall(r"^[!~]?([\w-]+): (.+)$", TABLE, re.MULTILINE))
REFUSED, SLOW = (set(re.findall(rf"^{mark}([\w-]+)", TABLE, re.MULTILINE)) for mark in "!~")
EDITS = {  # what is changed in a file before a command: a run that was to be longer, as though it had been interrupted
    "resumed": ("runs/vae/config.json", '"steps": 20', '"steps": 30'),
}
SETTINGS = ("config.json", "index.json", "judge.json")
TIMES = ("seconds",)
MESSAGES = ("sentences", "report", "reasons", "reason", "data", "summary", "figures", "protocol")
IGNORED = ("tensorboard",)
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "COLUMNS": "100", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
NEWEST = """
import importlib.util, json, sys
migrated = lambda data: data
if importlib.util.find_spec("musicae.migration"):
    from musicae.migration import migrated
def newest(data):
    if not isinstance(data, dict):
        return data
    return migrated(data) if "kind" in data else {key: newest(one) for key, one in data.items() if key != "format"}
json.dump([newest(one) for one in json.load(sys.stdin)], sys.stdout)
"""


# Running ----------------------------------------------------------------------------------------


class Side(NamedTuple):
    """One of the two: what it is called, and a folder with the package in `tree` and what is written in `work`."""

    name: str
    folder: Path

    @property
    def tree(self) -> Path:
        """The package as it was."""
        return self.folder / "tree"

    @property
    def work(self) -> Path:
        """Where the commands run."""
        return self.folder / "work"

    def python(self, *arguments: str, **options: Any) -> subprocess.Popen:
        """Python on arguments, with the package of this side."""
        environment = os.environ | ENVIRONMENT | {"PYTHONPATH": str(self.tree)}
        return subprocess.Popen([sys.executable, *arguments], cwd=self.work, env=environment, **options)

    def begin(self, name: str) -> subprocess.Popen:
        """Begin a command; what it says goes to its folder."""
        file, before, after = EDITS.get(name, ("", "", ""))
        if (path := self.work / file).is_file():
            path.write_text(path.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")
        own = self.work / "runs" / name
        own.mkdir(parents=True)
        with (own / "stdout").open("wb") as out, (own / "stderr").open("wb") as err:
            return self.python(*arguments(name), stdin=subprocess.DEVNULL, stdout=out, stderr=err)


def arguments(name: str) -> list[str]:
    """What Python is given to run a command."""
    first, *rest = shlex.split(re.sub(r"(?<=\s)@([\w-]*)", lambda at: f"runs/{at[1] or name}", COMMANDS[name]))
    return [first, *rest] if first == "-c" else ["-m", f"musicae.{first}", *rest]


def with_needed(names: Iterable[str]) -> list[str]:
    """Commands and those whose results they need, in the order of the table."""
    chosen, left = set(), list(names)
    while left:
        chosen.add(name := left.pop())
        left += re.findall(r"\s@([\w-]+)", COMMANDS[name])
    return [name for name in COMMANDS if name in chosen]


def lay_out(side: Side, revision: str | None, inputs: Path, samples: Path | None = None) -> None:
    """The package at a revision, None for the working tree; and what the commands read.

    Args:
        side: whose folder is filled.
        revision: what git knows.
        inputs: files that both sides get.
        samples: `midi_samples`; None for those at the revision.
    """
    side.work.mkdir(parents=True)
    packed = git("archive", "--format=tar", revision or snapshot(), "musicae", "midi_samples")
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(side.tree, filter="data")
    shutil.copytree(inputs, side.work / "inputs")
    (side.work / "matplotlibrc").write_text("text.color: none\n")  # titles are messages
    shutil.copytree(samples or side.tree / "midi_samples", side.work / "midi_samples")
    asked = side.python("-c", "import musicae; print(musicae.__file__)", stdout=subprocess.PIPE, text=True)
    if not Path(asked.communicate()[0].strip() or "/").is_relative_to(side.tree):
        sys.exit(f"{side.name}: another package than its own would be run")


def git(*arguments: str, **environment: str) -> bytes:
    """What git answers."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, env=os.environ | environment)
    if done.returncode:
        sys.exit(done.stderr.decode().strip())
    return done.stdout


def snapshot() -> str:
    """The working tree as git's name of a tree, with what is not committed; the index stays as it is."""
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        git("read-tree", "HEAD", **index)
        git("add", "--all", "musicae", "midi_samples", **index)
        return git("write-tree", **index).decode().strip()


def write_inputs(folder: Path) -> None:
    """Files of no commit: small checkpoints of the original with random weights, odd songs, two pictures."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    import numpy as np
    from bundles import checkpoint
    from PIL import Image

    folder.mkdir()
    for name in re.findall(r"convert inputs/(\S+)", TABLE):
        checkpoint(name, folder / name)
    song = (ROOT / "midi_samples/frere_jacques.mid").read_bytes()
    (folder / "truncated.mid").write_bytes(song[: len(song) * 3 // 4])
    shutil.make_archive(str(folder / "songs"), "zip", ROOT / "midi_samples")
    (folder / "noise.mid").write_bytes(bytes(range(256)))
    (folder / "tune.abc").write_text("X:1\nT:Up and down\nM:3/4\nL:1/4\nK:G\nGAB|cde|fga|g3|gfe|dcB|AGF|G3|]\n")
    light = np.add.outer(np.arange(8), np.arange(8)).astype(np.uint8) * 16
    Image.fromarray(light).save(folder / "light.png")
    Image.fromarray(255 - light[::-1] // 2).save(folder / "dark.png")


def run(sides: list[Side], names: list[str]) -> Iterator[str]:
    """Run commands, each at both sides at once; a line for each that ends with another status than it should."""
    for i, name in enumerate(names, 1):
        start = time.monotonic()
        processes = [side.begin(name) for side in sides]
        for side, process in zip(sides, processes, strict=True):
            status, wanted = process.wait(), 2 if name in REFUSED else 0
            if status != wanted:
                message = (side.work / "runs" / name / "stderr").read_text(errors="replace").split("\n")[-2:][0]
                yield f"{name}: ends with status {status}, not {wanted}, at {side.name}: {message}"
        print(f"{i:3} of {len(names)} {time.monotonic() - start:6.1f} s  {name}", flush=True)


# Reading what was written -----------------------------------------------------------------------


def content(side: Side, name: str) -> Any:
    """What a file says, in lists and dictionaries; a hash if nothing is known of its kind, or if it is damaged."""
    path = side.work / name
    data = path.read_bytes().replace(bytes(side.folder), b"")
    try:
        return READERS.get(path.suffix or path.name, digest)(data)
    except Exception:  # whatever a reader stumbles over
        return digest(data)


def digest(data: bytes) -> str:
    """Bytes in short."""
    return f"{len(data):,} bytes, SHA-256 {hashlib.sha256(data).hexdigest()[:12]}"


def printed(data: bytes) -> Any:
    """Of stdout and stderr: JSON, or sentences."""
    try:
        return json.loads(data)
    except ValueError:
        return {"sentences": data.decode(errors="replace")}


def rows(data: bytes) -> list[dict[str, str]]:
    """Of a table."""
    return list(csv.DictReader(io.StringIO(data.decode())))


def page(data: bytes) -> dict[str, Any]:
    """A page without its texts, and these."""
    parts = re.split(r'(>[^<>]+<|(?:aria-label|download)="[^"]*")', data.decode())
    return {
        "page": digest("".join(parts[::2]).encode()),
        "sentences": "\n".join(part.strip("<>") for part in parts[1::2]),
    }


def weights(data: bytes) -> dict[str, Any]:
    """The tensors of a file of safetensors, and the whole of it, which has their order and its metadata."""
    from safetensors.torch import load

    return plain(load(data)) | {"the file": digest(data)}


def state(data: bytes) -> Any:
    """The state of training."""
    import torch

    return plain(torch.load(io.BytesIO(data), weights_only=True))


def plain(value: Any) -> Any:
    """Lists and dictionaries with tensors in short."""
    import torch

    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if not isinstance(value, torch.Tensor):
        return value
    return f"{value.dtype} {list(value.shape)} {digest(value.reshape(-1).view(torch.uint8).numpy().tobytes())}"


READERS: dict[str, Callable[[bytes], Any]] = {
    ".json": json.loads,
    "stdout": printed,
    "stderr": printed,
    ".csv": rows,
    ".html": page,
    ".safetensors": weights,
    ".pt": state,
}


def in_newest_format(side: Side, names: list[str], new: Side) -> dict[str, Any]:
    """The contents of settings, by name, as the code of the new side would write them; sorted, for fields may move."""
    contents = [json.loads((side.work / name).read_text(encoding="utf-8")) for name in names]
    process = new.python("-c", NEWEST, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    answer = process.communicate(json.dumps(contents))[0]
    if process.returncode:
        sys.exit(f"{new.name}: musicae.migration cannot read the settings of {side.name}")
    settings = json.loads(answer, object_pairs_hook=lambda pairs: dict(sorted(pairs)))
    for one in settings:
        if "skipped" in one:  # of a corpus: how many files, by the reason why
            one["skipped"] = [{"reason": reason, "files": number} for reason, number in one["skipped"].items()]
    return dict(zip(names, settings, strict=True))


# Comparing --------------------------------------------------------------------------------------


class Difference(NamedTuple):
    """A place where the two differ."""

    file: str
    where: str
    old: Any
    new: Any

    @property
    def message(self) -> bool:
        """Whether it is one of sentences."""
        texts = isinstance(self.old, str | None) and isinstance(self.new, str | None)
        return texts and any(part in MESSAGES for part in self.where.split("/"))


def compare(old: Side, new: Side) -> list[Difference]:
    """Every difference in the files that the commands wrote."""
    files = [written(side) for side in (old, new)]
    found = [Difference(name, "", *(name in some or None for some in files)) for name in files[0] ^ files[1]]
    changed = [name for name in files[0] & files[1] if (old.work / name).read_bytes() != (new.work / name).read_bytes()]
    settings = [name for name in changed if Path(name).name in SETTINGS]
    read = [in_newest_format(side, settings, new) for side in (old, new)]
    for name in changed:
        a, b = (kept.get(name) or content(side, name) for side, kept in zip((old, new), read, strict=True))
        found += [Difference(name, *difference) for difference in differing(a, b)]
    return sorted(found, key=lambda one: one.file)


def written(side: Side) -> set[str]:
    """The names of the files that the commands wrote."""
    files = (path.relative_to(side.work) for path in (side.work / "runs").rglob("*") if path.is_file())
    return {file.as_posix() for file in files if not set(file.parts) & set(IGNORED)}


def differing(a: Any, b: Any) -> Iterator[tuple[str, Any, Any]]:
    """Where two contents differ, and what is there."""
    old, new = dict(leaves(a)), dict(leaves(b))
    for where in old | new:
        if repr(old.get(where)) != repr(new.get(where)):  # nan is nan
            yield where, old.get(where), new.get(where)
    if old.keys() == new.keys() and list(old) != list(new):
        yield "the order", list(old), list(new)


def leaves(value: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    """Everything in lists and dictionaries by its path, but for what depends on the time."""
    if not isinstance(value, dict | list):
        yield where, value
        return
    for key, one in value.items() if isinstance(value, dict) else enumerate(value):
        if key not in TIMES:
            yield from leaves(one, f"{where}/{key}".lstrip("/"))


def faults(differences: Iterable[Difference]) -> list[str]:
    """A line for each file that differs."""
    places = defaultdict(list)
    for one in differences:
        places[one.file].append(f"{one.where + ': ' * bool(one.where)}{short(one.old)} -> {short(one.new)}")
    return [
        f"{file}: {found[0]}" + f" (and {len(found) - 1:,} more)" * (len(found) > 1) for file, found in places.items()
    ]


def short(value: Any) -> str:
    """A value in a few words."""
    text = "nothing" if value is None else "there" if value is True else str(value)
    return text if len(text) <= 100 else f"{text[:97]}..."


def changed_sentences(messages: Iterable[Difference]) -> list[str]:
    """The lines of messages that differ, old and new; each change once, under the first place where it is made."""
    places = defaultdict(list)
    for one in messages:
        lines = difflib.unified_diff((one.old or "").splitlines(), (one.new or "").splitlines(), n=0, lineterm="")
        places["\n".join(line for line in list(lines)[2:] if line[0] != "@")].append(f"{one.file} {one.where}")
    return [f"{at[0]}{f' and {len(at) - 1} more' * (len(at) > 1)}\n{change}" for change, at in places.items()]


# ------------------------------------------------------------------------------------------------


def main() -> None:
    """Run, compare and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", metavar="OLD", help="a commit")
    parser.add_argument("new", metavar="NEW", nargs="?", help="another (default: the working tree as it is)")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=COMMANDS, help="some of the command lines")
    parser.add_argument("--slow", action="store_true", help="all of them: twice as long")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="a new folder, in which all that is written stays")
    parser.add_argument("--messages", action="store_true", help="messages count as well")
    options = parser.parse_args()
    names = with_needed(options.only or COMMANDS.keys() - (set() if options.slow else SLOW))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.keep or Path(temporary, "sides")).resolve()
        folder.mkdir(parents=True)
        write_inputs(inputs := Path(temporary, "inputs"))
        old, new = Side(options.old, folder / "old"), Side(options.new or "the working tree", folder / "new")
        lay_out(old, options.old, inputs)
        lay_out(new, options.new, inputs, old.tree / "midi_samples")
        ends = list(run([old, new], names))
        differences = compare(old, new)
        number = len(written(old))
    messages = changed_sentences(one for one in differences if one.message)
    lines = [*ends, *faults(one for one in differences if options.messages or not one.message)]
    print("\n".join(["", *["messages that differ:", *messages, ""] * bool(messages), *lines]))
    counts = f"{len(names)} command lines, {number:,} files at {old.name}"
    print(f"{counts}: {len(lines) or 'no'} differences, and {len(messages) or 'no'} changes of messages")
    sys.exit(bool(lines))


if __name__ == "__main__":
    main()
