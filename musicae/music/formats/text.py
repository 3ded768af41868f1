"""Music written as text: ABC, MusicXML (compressed too) and kern, whatever the file is called."""

from __future__ import annotations

import re

from musicae.archives import members
from musicae.errors import DataError
from musicae.music.formats import abc, music21_, notation, symusic_
from musicae.music.formats.draft import Draft

_ZIP = b"PK\x03\x04"


def from_text(data: bytes, trusted: bool = False) -> Draft:
    """The music in a file of text.

    Args:
        data: the file.
        trusted: it comes with a dependency of this package. So its ABC may be converted by symusic's native code, which
            any other text could make run for ever, or run away with the process.

    Raises:
        ValueError: it is no music, or cannot be read.
    """
    text = _decoded(_unpacked(data) if data.startswith(_ZIP) else data).replace("\r\n", "\n").replace("\r", "\n")
    if abc.is_abc(text):
        return symusic_.from_abc(text) if trusted else abc.from_abc(text)
    from_notation = music21_.from_notation if trusted else notation.from_notation
    if re.search(r"<score-(partwise|timewise)", text):
        return from_notation(text, "musicxml")
    if re.search(r"^\*\*kern", text, re.MULTILINE):
        return from_notation(text, "humdrum")
    if data.startswith(b"SMF2CLIP"):
        raise ValueError("is a MIDI 2.0 clip, which cannot be read; export it as a standard MIDI file")
    raise ValueError("is not music that can be read: neither MIDI, MusicXML, ABC nor kern")


def _is_score(name: str) -> bool:
    return name.lower().endswith((".xml", ".musicxml")) and not name.startswith("META-INF")


def _unpacked(data: bytes) -> bytes:
    """The score inside compressed MusicXML."""
    try:
        score = next(members(data, _is_score), None)
    except DataError as error:
        raise ValueError(f"is a damaged archive: {error}") from None
    if score is None:
        raise ValueError("is an archive without a score; unpack it first")
    if score.problem:
        raise ValueError(f"is an archive whose {score.name} {score.problem}")
    return score.content


def _decoded(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")
