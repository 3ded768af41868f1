"""A score that reads, writes, plays and shows itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicae.files import write_atomically
from musicae.music.formats import midi, music21_, pretty_midi_, reading, symusic_
from musicae.music.render import html, playback
from musicae.music.score.score import Score

if TYPE_CHECKING:
    import music21
    import pretty_midi
    import symusic


@dataclass(frozen=True, eq=False, repr=False)
class Song(Score):
    """A score (`musicae.music.score.Score`) from any file that holds music, and to a MIDI file.

    What holds for a score holds for a song: tracks of notes in ticks, with tempo map, time signatures and keys.
    """

    @classmethod
    def read(cls, source: Any) -> Song:
        """The music in `source`: a path or bytes of MIDI, ABC, MusicXML (.mxl too) or kern; a `Song` or `Score`, a
        `pretty_midi.PrettyMIDI`, a `symusic.Score` or a music21 stream.

        What can be repaired is repaired, and listed in `changes`. Repeats of notation are played; of a book of tunes in
        ABC the first is read.

        Raises:
            MidiError: there is no music in it, or none that can be read; path and reason in one line.
        """
        return source if isinstance(source, cls) else cls.of(reading.read(source))

    @classmethod
    def of(cls, score: Score) -> Song:
        """A score as a song; a song as it is."""
        return score if isinstance(score, cls) else cls(**vars(score))

    def to_bytes(self) -> bytes:
        """A MIDI file of type 1 with 480 ticks a quarter; equal songs give equal bytes."""
        return midi.write(self)

    def save(self, path: str | Path, force: bool = False) -> Path:
        """Writes a MIDI file, completely or not at all.

        Raises:
            Error: the file exists and `force` is off, or it cannot be written.
        """
        return write_atomically(path, self.to_bytes(), force)

    def to_pretty_midi(self) -> pretty_midi.PrettyMIDI:
        """This song as a `pretty_midi.PrettyMIDI`, at 480 ticks a quarter."""
        return pretty_midi_.to_pretty_midi(self)

    def to_symusic(self) -> symusic.Score:
        """This song as a `symusic.Score` in its own ticks."""
        return symusic_.to_symusic(self)

    def to_music21(self) -> music21.stream.Score:
        """This song as a music21 `Score` for notation: times are rounded to sixteenths or triplet eighths."""
        return music21_.to_music21(self)

    def play(self) -> Any:
        """Plays the song: an audio player in a notebook, otherwise the system's player."""
        return playback.play(self)

    def _repr_html_(self) -> str:
        return html.fragment(self)
