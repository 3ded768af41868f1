"""Broken files out of whole ones: bytes, words and settings changed at random."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from typing import Any

EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
NUMBERS = ("0", "-1", "1", "999999999", "1e999", "0.5", "1/0", "-0", "00000000000000000001", "\u0663")
NUMERIC = (True, 0, -1, 1, 3, 0.5, -0.0, 1e308, 10**9, 10**30, float("nan"), float("inf"))
VALUES = (*NUMERIC, None, "", "x", "float32", [], {})


def one_of(source: random.Random, things: Sequence) -> Any:
    """One of some things."""
    return things[source.randrange(len(things))]


def mutated_bytes(seeds: Sequence[bytes], words: Sequence[bytes], source: random.Random) -> bytes:
    """One of the files with a few changes: bits, bytes, numbers and words replaced, pieces cut, doubled or swapped."""
    data = bytearray(one_of(source, seeds))
    for _ in range(one_of(source, (1, 1, 2, 4, 16))):
        at = source.randrange(len(data) + 1)
        length = one_of(source, (1, 2, 4, 16, 64))
        change = source.randrange(9)
        if change == 0 and data:
            data[at % len(data)] ^= 1 << source.randrange(8)
        elif change == 1:
            data[at : at + length] = source.randbytes(length)
        elif change == 2:
            size = one_of(source, (1, 2, 4))
            number = one_of(source, EXTREMES) & (1 << 8 * size) - 1
            data[at : at + size] = number.to_bytes(size, one_of(source, ("big", "little")))
        elif change == 3:
            del data[at : at + length]
        elif change == 4:
            data[at:at] = data[at : at + length] * one_of(source, (1, 2, 50))
        elif change == 5:
            del data[at:]
        elif change == 6 and words:
            data[at : at + one_of(source, (0, length))] = one_of(source, words)
        elif change == 7:
            other = one_of(source, seeds)
            start = source.randrange(len(other) + 1)
            data[at : at + length] = other[start : start + length]
        else:
            data[at:at] = one_of(source, words or [b"\0"]) * one_of(source, (1, 3, 200))
    return bytes(data)


WORDS = r"\d+|[A-Za-z]+|\s+|."  # a text in pieces
TAGS = r"<[^>]*>|[^<]+"  # XML in pieces


def mutated_text(seeds: Sequence[str], words: Sequence[str], source: random.Random, pattern: str = WORDS) -> str:
    """One of the texts with a few pieces, numbers or lines replaced, doubled, moved or left out."""
    text = one_of(source, seeds)
    for _ in range(one_of(source, (1, 1, 2, 4))):
        pieces = re.findall(pattern, text, re.DOTALL) or [""]
        words_only = [i for i, piece in enumerate(pieces) if piece.strip() and piece[0] != "<"]
        whole = bool(words_only) and source.random() < 0.7  # leaves the tags of XML, which is refused without them
        at = one_of(source, words_only) if whole else source.randrange(len(pieces))
        change = source.randrange(3 if whole else 6)
        if change == 0:
            pieces[at] = one_of(source, words)
        elif change == 1:
            pieces[at] = one_of(source, NUMBERS)
        elif change == 2:
            pieces[at] *= one_of(source, (0, 2, 100))
        elif change == 3:
            other = source.randrange(len(pieces))
            pieces[at], pieces[other] = pieces[other], pieces[at]
        elif change == 4:
            lines = text.splitlines(keepends=True)
            line = source.randrange(len(lines)) if lines else 0
            lines[line:line] = lines[line : line + 3] * one_of(source, (1, 30))
            pieces = lines
        else:
            pieces[at:at] = [one_of(source, words)] * one_of(source, (1, 2, 500))
        text = "".join(pieces)
    return text


def mutated_settings(settings: Any, source: random.Random) -> str:
    """JSON in which a few values are of another kind or size, or keys are gone, new or there twice."""
    settings = json.loads(json.dumps(settings))
    for _ in range(one_of(source, (1, 1, 1, 2, 3))):
        places = list(_places(settings))
        holder, key = one_of(source, places)
        change = source.randrange(8)
        if change < 4:
            holder[key] = one_of(source, VALUES)
        elif change == 4:
            other, name = one_of(source, places)
            holder[key] = json.loads(json.dumps(other[name]))
        elif change == 5 and isinstance(holder, dict):
            del holder[key]
        elif change == 6 and isinstance(holder, dict):
            holder[one_of(source, ("kind", "x", "steps", "widths"))] = one_of(source, VALUES)
        elif isinstance(holder[key], int | float) and not isinstance(holder[key], bool):
            holder[key] *= one_of(source, (-1, 0, 2, 1000, 10**6))
    text = json.dumps(settings)
    return text if source.random() < 0.9 else mutated_text([text], ['{"', "[" * 500, "NaN", "\\ud800"], source)


def _places(settings: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in settings with each of its keys or indices."""
    for key in list(settings) if isinstance(settings, dict) else range(len(settings)):
        yield settings, key
        if isinstance(settings[key], dict | list) and settings[key]:
            yield from _places(settings[key])
