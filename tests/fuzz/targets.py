"""What is fuzzed: kinds of files, whole ones of each to begin with, and how each is read."""

from __future__ import annotations

import gzip
import io
import json
import random
import struct
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import tiny

from fuzz.mutations import TAGS, WORDS, mutated_bytes, mutated_settings, mutated_text, one_of
from musicae import registry
from musicae.core.checkpoints import CONFIG, WEIGHTS
from musicae.images.datasets import open_pictures
from musicae.images.pictures import Pictures
from musicae.loading import load
from musicae.migration import FORMAT
from musicae.music.data.corpus import Corpus, build
from musicae.music.data.sources import pieces
from musicae.music.representations import Melody
from musicae.music.song import Song

Make = Callable[[random.Random], dict[str, bytes]]


@dataclass(frozen=True)
class Target:
    """A kind of file.

    Args:
        name: what it is called.
        make: broken files by name, from a source of random numbers; several are those of one folder.
        read: reads the file or the folder, or raises.
        cost: about how long a case takes, in milliseconds.
    """

    name: str
    make: Make
    read: Callable[[Path], None]
    cost: float


# Music ------------------------------------------------------------------------------------------

ABC = (
    "X:1\nT:A tune\nM:6/8\nL:1/8\nQ:1/4=100\nK:Dm\n|:A2d d>ef|(3gag f2 [Ace]|1 d3 z3:|2 d4-d2|]\n",
    'X:2\nT:Two voices\nM:C|\nL:1/16\nK:Bb clef=treble\nV:1\n"Gm"G,4 {a}B2c2 [M:3/4] d8|\nV:2\nw:la la\n=F4 ^c_B z4|\n',
)
ABC_WORDS = ["%%abc-include x", "V:3", "[K:A]", "(9:8:9", "//////", ":||:", "[V:1]", "<<<>>>", "{", "}", "!f!", "^^c,,"]
ABC_WORDS += ["'''''", "M:1/1000", "L:1/99999", "+", "|", "||"]
MUSICXML = """<?xml version="1.0"?>
<score-partwise version="3.1"><part-list><score-part id="P1"><part-name>Flute</part-name></score-part></part-list>
<part id="P1"><measure number="1"><barline location="left"><repeat direction="forward"/></barline>
<attributes><divisions>4</divisions><key><fifths>1</fifths></key><time><beats>3</beats><beat-type>4</beat-type></time>
</attributes><direction><sound tempo="90"/></direction><note><pitch><step>C</step><alter>1</alter><octave>4</octave>
</pitch><duration>4</duration><voice>1</voice><type>quarter</type><tie type="start"/></note><note><chord/><pitch>
<step>E</step><octave>4</octave></pitch><duration>4</duration></note><backup><duration>4</duration></backup><note><rest/>
<duration>8</duration></note></measure><measure number="2"><note><grace/><pitch><step>G</step><octave>5</octave></pitch>
</note><note><pitch><step>A</step><octave>4</octave></pitch><duration>12</duration></note><barline location="right">
<repeat direction="backward" times="2"/></barline></measure></part></score-partwise>
"""
XML_WORDS = [
    "<note>",
    "</measure>",
    "<!DOCTYPE a [<!ENTITY b 'c'>]>",
    "&b;",
    "<ending number='1' type='start'/>",
    "<part>",
]
KERN = "**kern\t**kern\n*M4/4\t*M4/4\n*k[b-]\t*k[]\n=1\t=1\n4c\t[2e\n8d#L\t.\n8eJ\t.\n2f 2a\t2e]\n=2\t=2\n*-\t*-\n"
KERN_WORDS = ["*^", "*v", "*+", "==", "[[[", "4..", "\t\t", "!!!OTL:"]
MIDI_WORDS = (b"MTrk", b"MThd", b"\xff\x51\x03", b"\xff\x58\x04", b"\xff\x2f\0", b"\xf0", b"\xff\xff\xff\x7f", b"\x99")


@cache
def _midi() -> list[bytes]:
    running = (
        b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk" + struct.pack(">I", 14) + b"\0\x90\x3c\x40\x60\x3c\0\0\x3e\x40\x60\xff\x2f\0"
    )
    return [tiny.song().to_bytes(), tiny.band(metre="6/8").to_bytes(), running]


@cache
def _mxl() -> list[bytes]:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "META-INF/container.xml", '<container><rootfiles><rootfile full-path="a.xml"/></rootfiles></container>'
        )
        archive.writestr("a.xml", MUSICXML)
    return [file.getvalue()]


def _read_song(path: Path) -> None:
    """Reads a song; what is written of it has to hold the same notes."""
    song = Song.read(path)
    again = Song.read(song.to_bytes())
    before, after = (sum(len(track.notes) for track in one.tracks) for one in (song.resample(480), again))
    assert before == after, f"{before} notes were written, {after} are read"


# Pictures and archives --------------------------------------------------------------------------


@cache
def _pictures() -> list[bytes]:
    from PIL import Image

    level = np.arange(100, dtype=np.uint8).reshape(10, 10)
    made = []
    for mode, kinds in (
        ("L", "PNG BMP GIF TIFF PPM"),
        ("RGB", "JPEG WEBP PNG"),
        ("RGBA", "PNG TIFF"),
        ("1", "PNG TIFF"),
    ):
        for kind in kinds.split():
            Image.fromarray(level).convert(mode).save(file := io.BytesIO(), kind)
            made.append(file.getvalue())
    return made


@cache
def _arrays() -> list[bytes]:
    made = []
    for save in (np.savez, np.savez_compressed):
        save(file := io.BytesIO(), train=np.zeros((6, 8, 8), np.uint8), train_labels=np.arange(6))
        made.append(file.getvalue())
    return made


@cache
def _idx() -> list[bytes]:
    images = struct.pack(">IIII", 0x803, 6, 8, 8) + bytes(384)
    return [images, gzip.compress(images, mtime=0)]


@cache
def _zips() -> list[bytes]:
    files = {"a.mid": _midi()[0], "b/c.abc": ABC[0].encode(), "info.csv": b"midi_filename,split\na.mid,train\n"}
    made = []
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile(file := io.BytesIO(), "w", method) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        made.append(file.getvalue())
    return made


@cache
def _tars() -> list[bytes]:
    made = []
    for mode in ("w", "w:gz"):
        with tarfile.open(fileobj=(file := io.BytesIO()), mode=mode) as archive:
            for name, content in (("a.mid", _midi()[0]), ("b" * 120 + ".mid", _midi()[1])):
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        made.append(file.getvalue())
    return made


def _read_picture(path: Path) -> None:
    Pictures(8, 8).read(path)


def _read_pictures(path: Path) -> None:
    open_pictures(path, Pictures(8, 8))


def _read_pieces(path: Path) -> None:
    for piece in pieces(path):
        if isinstance(piece.content, bytes):
            _ = len(piece.content)


# Folders ----------------------------------------------------------------------------------------

PRESETS = (tiny.MELODY, tiny.PICTURES, tiny.RECURRENT, tiny.PIANOROLL, tiny.TRIO, tiny.HITS)


@cache
def _settings() -> list[dict]:
    return [{"format": FORMAT, "preset": registry.write_settings(preset)} for preset in PRESETS]


@cache
def _weights() -> list[bytes]:
    with TemporaryDirectory() as folder:
        return [(tiny.folder(preset, Path(folder, preset.name)) / WEIGHTS).read_bytes() for preset in PRESETS]


def _model(source: random.Random) -> dict[str, bytes]:
    """The files of a model, of which one is broken."""
    which = source.randrange(len(PRESETS))
    settings, weights = json.dumps(_settings()[which]).encode(), _weights()[which]
    if source.random() < 0.8:
        settings = mutated_settings(_settings()[which], source).encode("utf-8", "surrogatepass")
    else:
        weights = mutated_bytes([weights], [b"F32", b"F64", b"I64", b'"shape":[]', b"99999999"], source)
    return {CONFIG: settings, WEIGHTS: weights}


def _read_model(path: Path) -> None:
    model = load(path)
    if model.network.size < 10**5 and np.prod(model.representation.shape) < 10**5:
        model.sample(1, seed=0)


@cache
def _corpus() -> dict[str, bytes]:
    with TemporaryDirectory() as folder:
        for i in range(3):
            tiny.midi(Path(folder, f"{i}.mid"), 4 + i, stride=i + 1)
        build(folder, Melody(steps=32), Path(folder, "corpus"), workers=1, quiet=True)
        return {path.name: path.read_bytes() for path in sorted(Path(folder, "corpus").iterdir())}


def _broken_corpus(source: random.Random) -> dict[str, bytes]:
    files = dict(_corpus())
    if source.random() < 0.5:
        files["index.json"] = mutated_settings(json.loads(files["index.json"]), source).encode("utf-8", "surrogatepass")
    else:
        name = one_of(source, sorted(files))
        files[name] = mutated_bytes([files[name]], [b"<i4", b"|O", b"(1, 99999999999)"], source)
    return files


def _read_corpus(path: Path) -> None:
    corpus = Corpus.open(path)
    assert len(corpus.report()) > 0
    for split, windows in corpus.windows.items():
        assert len(windows) == len(corpus.songs[split])


# All --------------------------------------------------------------------------------------------


def _bytes(name: str, seeds: Callable[[], list[bytes]], words: Sequence[bytes]) -> Make:
    return lambda source: {name: mutated_bytes(seeds(), words, source)}


def _text(name: str, seeds: Sequence[str], words: Sequence[str], pattern: str = WORDS) -> Make:
    return lambda source: {name: mutated_text(seeds, words, source, pattern).encode("utf-8", "surrogatepass")}


_USTAR = (b"ustar", b"././@LongLink", b"path=../../x", b"77777777777")
_PK = (b"PK\3\4", b"PK\1\2", b"PK\5\6", b"../a.mid", b"\0\0\0\x80")
TARGETS = {
    target.name: target
    for target in (
        Target("midi", _bytes("a.mid", _midi, MIDI_WORDS), _read_song, 2),
        Target("abc", _text("a.abc", ABC, ABC_WORDS), _read_song, 20),
        Target("musicxml", _text("a.musicxml", [MUSICXML], XML_WORDS, TAGS), _read_song, 30),
        Target("mxl", _bytes("a.mxl", _mxl, _PK), _read_song, 30),
        Target(
            "kern", _text("a.krn", [KERN], ["*^", "*v", "*+", "==", "[[[", "4..", "\t\t", "!!!OTL:"]), _read_song, 30
        ),
        Target("picture", _bytes("a.png", _pictures, (b"IHDR", b"IDAT", b"\xff\xda", b"II*\0")), _read_picture, 2),
        Target("arrays", _bytes("a.npz", _arrays, (*_PK, b"|O8", b"(9999999, 99999)", b"NUMPY")), _read_pictures, 3),
        Target("idx", _bytes("train-images-idx3-ubyte", _idx, (b"\0\0\x0d\4", b"\x1f\x8b\x08")), _read_pictures, 3),
        Target("zip", _bytes("a.zip", _zips, _PK), _read_pieces, 2),
        Target(
            "tar",
            _bytes("a.tar", _tars, (b"ustar", b"././@LongLink", b"path=../../x", b"77777777777")),
            _read_pieces,
            2,
        ),
        Target("model", _model, _read_model, 10),
        Target("corpus", _broken_corpus, _read_corpus, 3),
    )
}
