"""Drums in MusicXML as music21 can read them."""

from __future__ import annotations

from xml.etree import ElementTree

_STEPS = ("C", "C", "D", "D", "E", "F", "F", "G", "G", "A", "A", "B")
_SHARPS = (1, 3, 6, 8, 10)


def with_drum_pitches(text: str) -> str:
    """A score whose unpitched notes have the pitch by which MIDI calls their instrument.

    The list of parts names it (`midi-unpitched`, from 1 on); music21 leaves such notes without any.
    """
    if "<unpitched" not in text:
        return text
    score = ElementTree.fromstring(text)
    keys = {}
    for instrument in score.iter("midi-instrument"):
        number = (instrument.findtext("midi-unpitched") or "").strip()
        if number.isdecimal() and 1 <= int(number[:4]) <= 128:
            keys[instrument.get("id")] = int(number) - 1
    for note in score.iter("note"):
        instrument = note.find("instrument")
        key = keys.get(instrument.get("id")) if instrument is not None else None
        for place, child in enumerate(note):
            if child.tag == "unpitched" and key is not None:
                note[place] = _pitch(key)
    return ElementTree.tostring(score, "unicode")


def _pitch(key: int) -> ElementTree.Element:
    pitch = ElementTree.Element("pitch")
    for name, value in (("step", _STEPS[key % 12]), ("alter", int(key % 12 in _SHARPS)), ("octave", key // 12 - 1)):
        ElementTree.SubElement(pitch, name).text = str(value)
    return pitch
