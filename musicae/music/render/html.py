"""Pages to see and hear songs: piano roll, player and download in one HTML file that needs no network."""

from __future__ import annotations

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from musicae.errors import Error
from musicae.files import check_target, identities, name_of, refuse_input, together, write_atomically
from musicae.music.formats.midi import write
from musicae.music.formats.reading import read
from musicae.music.render import audio
from musicae.music.render.layout import printable
from musicae.music.render.svg import piano_roll_svg
from musicae.music.score.score import Score

LONGEST = 180.0  # seconds of sound in a page; 180 make 11 MB


class Section(NamedTuple):
    """A part of a page: a heading, a note under it, and a song to see and hear; seconds of its sound at most, if other
    than those of the page."""

    heading: str
    note: str
    song: Score
    longest: float | None = None


def page(
    title: str,
    sections: Iterable[tuple],
    soundfont: str | Path | None = None,
    longest: float | None = LONGEST,
) -> str:
    """A self-contained HTML page with a piano roll, a player and a MIDI download for each song.

    Args:
        title: of the page.
        sections: of each part (heading, note, song), or a `Section`.
        soundfont: see `audio.render`.
        longest: seconds of sound of each song at most; None for all, up to 20 minutes; 0 for none. The page says
            what is left out.

    Raises:
        Error: the soundfont is missing or damaged.
    """
    parts = "".join(_section(Section(*section), soundfont, longest) for section in sections)
    title = escape(printable(title))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="color-scheme" content="light dark">\n<title>{title}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{parts}</main>\n</body>\n</html>\n"
    )


def fragment(song: Score, soundfont: str | Path | None = None, longest: float | None = 60.0) -> str:
    """A song as an HTML fragment for notebooks. If there can be no sound, it says why."""
    try:
        content = _song(song, soundfont, longest)
    except Error as error:
        content = f"{_song(song, soundfont, 0)}<p>No sound: {escape(printable(str(error)))}</p>"
    return f'<div style="max-width:60em">{content}</div>'


def save_page(
    path: str | Path,
    title: str,
    sections: Iterable[tuple],
    force: bool = False,
    soundfont: str | Path | None = None,
    longest: float | None = LONGEST,
) -> Path:
    """Writes a `page`, completely or not at all.

    Raises:
        Error: the file exists and `force` is off, or it cannot be written, or the soundfont is missing or
            damaged.
    """
    check_target(path, force)
    return write_atomically(path, page(title, sections, soundfont, longest).encode(), force)


def listen(
    files: Sequence[str | Path],
    out: str | Path | None = None,
    soundfont: str | Path | None = None,
    force: bool = False,
    say: Callable[[str], None] | None = None,
) -> list[Path]:
    """Writes NAME.wav and NAME.html for each file NAME.mid, into its folder or into `out`.

    Of songs longer than 20 minutes the WAV file has the first 20. Files of the same name from different folders get
    numbers in `out`.

    Args:
        files: the songs.
        out: a folder.
        soundfont: see `audio.render`.
        force: replace existing files.
        say: called with a sentence on each WAV file that stops before its song.

    Returns:
        The paths written: of each file the WAV, then the page.

    Raises:
        Error: a file cannot be read or would be overwritten, a result exists and `force` is off, or the soundfont is
            missing. Then nothing was written.
    """
    songs = [read(file) for file in files]
    targets = _targets(files, out)
    audio.find_soundfont(soundfont)
    paths = [path for pair in targets for path in pair]
    inputs = identities(Path(file) for file in (*files, *([soundfont] if soundfont else [])))
    for path in paths:
        check_target(path, force)
        refuse_input(path, inputs)
    with together():
        for song, (wav, html) in zip(songs, targets, strict=True):
            write_atomically(wav, audio.render(song, soundfont, seconds=audio.LONGEST), force)
            if say and (left_out := audio.left_out(song, audio.LONGEST)):
                say(f"{wav.name}: {left_out}")
            sections = [("", " ".join(song.changes), song)]
            save_page(html, song.name or wav.stem, sections, force, soundfont)
    return paths


def _targets(files: Sequence[str | Path], out: str | Path | None) -> list[tuple[Path, Path]]:
    """(WAV, page) of each file, all different."""
    targets: dict[Path, None] = {}
    seen: Counter[Path] = Counter()
    for file in map(Path, files):
        named = (Path(out) if out else file.parent) / name_of(file)
        base = named
        while base in targets:
            seen[named] += 1
            base = named.with_name(f"{named.name}-{seen[named] + 1}")
        targets[base] = None
    return [(base.with_name(f"{base.name}.wav"), base.with_name(f"{base.name}.html")) for base in targets]


# Parts of a page ----------------------------------------------------------------------------------


def _section(section: Section, soundfont: str | Path | None, longest: float | None) -> str:
    heading, note, song, own = section
    longest = longest if own is None else own
    head = f"<h2>{escape(printable(heading))}</h2>\n" if heading else ""
    paragraph = f'<p class="note">{escape(printable(note))}</p>\n' if note else ""
    return f"<section>\n{head}{paragraph}{_song(song, soundfont, longest, heading)}</section>\n"


def _song(song: Score, soundfont: str | Path | None, longest: float | None, name: str = "") -> str:
    """Piano roll, facts, player, download."""
    name = printable(name or song.name) or "song"
    player = _player(song, soundfont, longest, name)
    midi = _data("audio/midi", write(song))
    file = re.sub(r"[^\w-]+", "-", name).strip("-")[:80] or "song"
    return (
        f'<div style="overflow-x:auto" tabindex="0" role="group" aria-label="Piano roll of {escape(name)}">'
        f"{piano_roll_svg(song)}</div>\n{player}"
        f'<p><a href="{midi}" download="{file}.mid" aria-label="Download {escape(name)} as a MIDI file">'
        f"MIDI file</a> · {escape(_facts(song))}</p>\n"
    )


def _player(song: Score, soundfont: str | Path | None, longest: float | None, name: str) -> str:
    """The audio player, and what of the sound is left out."""
    if longest == 0:
        return ""
    seconds = min(audio.LONGEST if longest is None else longest, audio.LONGEST)
    sound = _data("audio/wav", audio.render(song, soundfont, small=True, seconds=seconds))
    left_out = audio.left_out(song, seconds)
    stops = f"<p>{left_out[0].upper()}{left_out[1:]}.</p>\n" if left_out else ""
    return f'<audio controls style="width:100%" aria-label="Play {escape(name)}" src="{sound}"></audio>\n{stops}'


def _facts(song: Score) -> str:
    """Metre, tempo, length, and numbers of tracks and notes, in a line."""
    _, numerator, denominator = song.time_signatures[0]
    notes = sum(len(track.notes) for track in song.tracks)
    return (
        f"{numerator}/{denominator} · {song.tempos[0].quarters_per_minute:.0f} BPM"
        f" · {audio.clock(song.seconds)} · {len(song.tracks)} {_plural('track', len(song.tracks))}"
        f" · {notes} {_plural('note', notes)}"
    )


def _plural(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{b64encode(content).decode()}"


_STYLE = """
:root { color-scheme: light dark; --ink: #22262d; --soft: #666d78; --paper: #f6f7f9; --card: #fff;
  --line: #e1e4e9; --link: #2b5fd0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ec; --soft: #9aa1ad; --paper: #14161a;
  --card: #1d2026; --line: #2f343c; --link: #8ab0ff; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 70rem; margin: 0 auto; padding: 1.5rem clamp(.75rem, 3vw, 2rem) 3rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 1.2rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 0 0 .3rem; overflow-wrap: anywhere; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; margin: 0 0 1rem;
  padding: 1rem clamp(.75rem, 2vw, 1.25rem) .5rem; }
p { color: var(--soft); font-size: .875rem; margin: .5rem 0; overflow-wrap: anywhere; }
a { color: var(--link); }
audio { display: block; margin: .6rem 0; height: 2.5rem; }
"""
