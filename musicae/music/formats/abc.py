"""ABC: the first tune of a text, as it sounds with its repeats played.

The text is taken apart by patterns of bounded work, and by nothing else: no directive is followed, no other file is
opened, and every number and count is bounded.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from musicae.music.formats import abc_fields
from musicae.music.formats.abc_music import Part
from musicae.music.formats.bars import TICKS, Bar, lay_out, upbeat
from musicae.music.formats.draft import Draft, note_array, track_bounds
from musicae.music.formats.repeats import MOST_BARS, PLAYED, played_order
from musicae.music.score.score import Track

MOST_CHARACTERS = 200_000  # of a tune
_MOST_PARTS = 64
_TUNE = re.compile(r"^X:[ \t]*\d", re.MULTILINE)
_VOICE = re.compile(r"\[V:([^\[\]]{0,200})\]")
_FIELD = re.compile(r"([A-Za-z]):(.*)")


def is_abc(text: str) -> bool:
    """Whether a text has the two fields that every tune has."""
    return bool(_TUNE.search(text) and re.search(r"^K:", text, re.MULTILINE))


def from_abc(text: str) -> Draft:
    """The notes of the first tune of a text.

    Raises:
        ValueError: it is no ABC, asks for another file, or is absurd.
    """
    tune = _first_tune(text)
    reader = _Tune()
    for line in _lines(tune):
        reader.read(line)
    draft = reader.draft()
    if re.search(r"^%%\s*MIDI|^I:\s*MIDI", tune, re.MULTILINE):
        draft.changes.append("its %%MIDI directives are not followed")
    if others := len(_TUNE.findall(text)) - 1:
        draft.changes.append(f"only the first tune was read, not the {others:,} after it")
    return draft


def _first_tune(text: str) -> str:
    """What stands before all tunes, which holds for all, and the first of them."""
    starts = [found.start() for _, found in zip(range(2), _TUNE.finditer(text), strict=False)]
    if not starts:
        raise ValueError("has no field X:, with which every tune in ABC begins")
    tune = text[: starts[1]] if len(starts) > 1 else text
    if len(tune) > MOST_CHARACTERS:
        raise ValueError(f"has {len(tune):,} characters of ABC before its second tune; limit {MOST_CHARACTERS:,}")
    return tune


def _lines(tune: str) -> Iterator[str]:
    """The lines of a tune without comments and directives. Where a line goes on in the next matters to no sign.

    Raises:
        ValueError: a directive asks for another file.
    """
    in_text = False
    for line in tune.split("\n"):
        directive = re.match(r"\s*%%\s*([A-Za-z_-]*)|I:\s*([A-Za-z_-]*)", line)
        name = directive[directive.lastindex].lower() if directive else ""
        if "include" in name:
            raise ValueError(f"asks for another file ({name[:30]}), which is not opened: paste its content in")
        if in_text or name.startswith("begin"):
            in_text = not name.startswith("end")
            continue
        bare = re.split(r"(?<!\\)%", line, maxsplit=1)[0]
        if bare.strip() or bare == line:
            yield bare


class _Tune:
    """A tune while its lines are read: first its header, then, after a field K, its body."""

    def __init__(self):
        self.header = Part()
        self.unit_is_given = False
        self.in_body = self.is_over = False
        self.parts: dict[str, Part] = {}
        self.part: Part | None = None
        self.title, self.order = "", ""
        self.begun = False  # after the field X
        self.left_out: Counter = Counter()

    def read(self, line: str) -> None:
        """Takes a line."""
        found = _FIELD.match(line)
        if self.is_over or not line.strip():
            self.is_over |= self.in_body and any(part.written for part in self.parts.values())
            self.left_out["end"] += "|" in line
        elif found and not (self.in_body and _is_music(*found.groups())):
            self._field(*found.groups())
        elif self.in_body:
            for number, text in enumerate(_VOICE.split(line)):
                self._switch(text) if number % 2 else self._part().read(text)
        elif self.begun:
            self.left_out["line"] += 1

    def _field(self, name: str, value: str) -> None:
        self.begun |= name == "X"
        if not self.begun and name in "KPVT":
            return
        if name == "T":
            self.title = self.title or value.strip()
        elif name == "V":
            self._switch(value)
        elif self.in_body:
            self._part().set_field(name, value)
        elif name == "P":
            self.order = abc_fields.parts(value) or ""
        else:
            self.header.set_field(name, value)
            self.unit_is_given |= name == "L"
        if name == "K" and not self.in_body:
            self._begin_body()

    def _begin_body(self) -> None:
        self.in_body, self.part = True, None
        if not self.unit_is_given:
            self.header.unit = abc_fields.usual_length(self.header.metre)
        for part in self.parts.values():
            self._inherit(part)

    def _inherit(self, part: Part) -> None:
        header = self.header
        part.key, part.metre, part.unit, part.tempo = header.key, header.metre, header.unit, header.tempo
        part.moved = part.moved or header.moved

    def _part(self) -> Part:
        if self.part is None:
            self._switch("1")
        return self.part

    def _switch(self, value: str) -> None:
        """Goes on with the voice that a field V names, with the properties that it gives."""
        label, _, properties = value.strip().partition(" ")
        if label not in self.parts:
            if len(self.parts) >= _MOST_PARTS:
                raise ValueError(f"has more than {_MOST_PARTS} voices")
            self.parts[label] = Part()
            self._inherit(self.parts[label])
        self.part = self.parts[label]
        self.part.moved = abc_fields.transposition(properties) or self.part.moved
        if named := re.search(r'\b(?:name|nm)\s*=\s*"?([^"]{1,100})', properties):
            self.part.name = named[1].strip()

    def draft(self) -> Draft:
        """The records of the tune, its parts played together."""
        parts = [part for part in self.parts.values() if part.written]
        bars = [part.end() for part in parts]
        orders = [self._order(some) for some in bars]
        delay = max((upbeat([some[i] for i in order[:2]]) for some, order in zip(bars, orders, strict=True)), default=0)
        laid = [lay_out(some, order, delay) for some, order in zip(bars, orders, strict=True)]
        draft = Draft(TICKS)
        rows = [row for one in laid for row in one.notes]
        draft.notes = note_array(*np.array(rows, np.int64).reshape(-1, 4).T)
        draft.bounds = track_bounds(one.notes for one in laid)
        draft.tracks = [Track(name=part.name or self.title[:100]) for part in parts]
        for one in laid[:1]:
            draft.tempos, draft.time_signatures, draft.key_signatures = one.tempos, one.metres, one.keys
        draft.key_signatures = [(tick, *key) for tick, *key in draft.key_signatures]
        draft.changes = self._changes(parts, any(order != list(range(len(order))) for order in orders))
        return draft

    def _order(self, bars: list[Bar]) -> list[int]:
        """The indices of bars in the order of the parts that the header gives, if they are marked; else as written."""
        begins = {bar.label: i for i, bar in reversed(list(enumerate(bars))) if bar.label}
        if not set(self.order) <= begins.keys() or not self.order:
            return played_order(bars)
        edges = sorted([*begins.values(), len(bars)])
        ends = dict(pairwise(edges))
        played = {label: (i, played_order(bars[i : ends[i]])) for label, i in begins.items()}
        if sum(len(played[label][1]) for label in self.order) > MOST_BARS:
            raise ValueError(f"has more than {MOST_BARS:,} bars when its parts are played in order")
        return [played[label][0] + i for label in self.order for i in played[label][1]]

    def _changes(self, parts: list[Part], repeated: bool) -> list[str]:
        left_out = sum((part.left_out for part in parts), self.left_out + self.header.left_out)
        changes = [PLAYED] * repeated
        changes += ["{notes} of ornaments (grace notes) left out"] * left_out["grace"]
        changes += ["its chord symbols are not played"] * bool(left_out["chord symbol"])
        if count := left_out["end"]:
            changes.append(f"{count} line{'s' * (count > 1)} after an empty one, which ends a tune, left out")
        for thing in ("sign", "field", "line"):
            if count := left_out[thing]:
                changes.append(f"{count} {thing}{'s' * (count > 1)} left out that ABC does not have")
        return changes


def _is_music(name: str, value: str) -> bool:
    """Whether a line of a body that looks like a field is music, as `A:|` is."""
    return name in "abcdefghijklnopqtuvxyz" or (name in "ABCDEFG" and value[:1] in ("|", ":"))
