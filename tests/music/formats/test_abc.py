"""ABC: what tunes sound like, and what becomes of texts that were written to do harm."""

from __future__ import annotations

import contextlib
import resource
import subprocess
import sys
import time

import music21
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from musicae.errors import MidiError
from musicae.music.formats import reading
from musicae.music.score.score import Score
from musicae.music.song import Song

HEAD = "X:1\nT:Tune\nM:4/4\nL:1/4\nK:C\n"
C, D, E, F, G, A, B = 60, 62, 64, 65, 67, 69, 71


def played(body: str, head: str = HEAD) -> list[tuple[float, float, int]]:
    """(start, length, pitch) in quarters of the notes of the first part."""
    return rows(Song.read((head + body).encode()))


def rows(song: Score, track: int = 0) -> list[tuple[float, float, int]]:
    unit = song.ticks_per_quarter
    return [(n["start"] / unit, (n["end"] - n["start"]) / unit, int(n["pitch"])) for n in song.tracks[track].notes]


def pitches(body: str, head: str = HEAD) -> list[int]:
    return [pitch for *_, pitch in played(body, head)]


@pytest.mark.parametrize(
    ("body", "expected"),
    {
        "lengths": ("C2 D/ E// F3/2 G/4 A3", [2, 0.5, 0.25, 1.5, 0.25, 3]),
        "broken rhythm": ("C>D E<F G>>A B2", [1.5, 0.5, 0.5, 1.5, 1.75, 0.25, 2]),
        "broken over three notes": ("C>D>E F", [1.5, 0.75, 0.5, 1]),
        "triplets": ("(3CDE (3:2:2F2G A", [2 / 3, 2 / 3, 2 / 3, 4 / 3, 2 / 3, 1]),
        "duplets of a quadruplet": ("(4CDEF", [0.75] * 4),
        "ties": ("C-C D-|D2", [2, 3]),
        "rests": ("C z D x2 E Z | F", [1, 1, 1, 1]),
        "chords": ("[CE]2 [C2E2G2] G", [2, 2, 2, 2, 2, 1]),
        "chords of old": ("+CE+ +ff+ D", [1, 1, 1]),
        "grace notes": ("{ag}C {/d}D2", [1, 2]),
        "chord symbols and annotations": ('"Am"C "^slowly"D "G7/b"E', [1, 1, 1]),
        "decorations": ("!trill!C .D ~E uF !ff!G +p+A TB !a", [1] * 8),
        "another length": ("C [L:1/8] C\nL:1/2\nC", [1, 0.5, 2]),
    }.values(),
)
def test_lengths(body, expected):
    """Notes that begin together from the lowest to the highest."""
    assert [length for _, length, _ in played(body)] == pytest.approx(expected, abs=2e-4)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("C, C c c' c''", [48, 60, 72, 84, 96]),
        ("^C C | C _E __D =F", [61, 61, 60, 63, 60, 65]),
        ("^F f F, | F", [66, 78, 54, 65]),  # in all octaves, up to the bar line
        ("^F-|F F", [66, 65]),  # and as far as a tie goes
        ("K:G\nF [K:F] B F", [66, 70, 65]),
        ("K:D =c\nF C c", [66, 60, 72]),
        ("K:Gm\nB E", [70, 63]),
        ("K:A mixolydian\nC F G", [61, 66, 67]),
        ("K:Eb\nA B E", [68, 70, 63]),
        ("K:Hp\nC F G", [61, 66, 67]),
        ("K:C treble-8\nC", [48]),
        ("K:C octave=1\nC", [72]),
        ("[CEG]", [60, 64, 67]),
    ],
)
def test_pitches(body, expected):
    assert pitches(body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("C4|D4|", "CD"),
        ("|:C4:|D4|", "CCD"),
        ("C4:|D4|", "CCD"),
        ("|:C4::D4:|", "CCDD"),
        ("|:C4::|D4|", "CCCD"),
        ("|:C4|1 D4:|2 E4|]", "CDCE"),
        ("|:C4|[1 D4:|[2 E4|F4|]", "CDCEF"),
        ("|:C4|1,3 D4:|2 E4:|F4|", "CDCECDF"),
        ("|:C4|[1-2 D4:|[3 E4|]", "CDCDCE"),
        ("|:C4|1 D4:|2 E4||F4:|G4|", "CDCEFFG"),
        ("|:C4|1 D4:|2 E4|:F4:|", "CDCEFF"),
        ("|:C4|1 D4:|E4|", "CDCE"),
        ("C4||D4:|E4|", "CDDE"),  # to the last double bar line
        ("|:C4||D4:|E4|", "CDCDE"),  # unless a sign says otherwise
        ("C4[|]:|D4|", "CCD"),
        ("C4|D4 !fine!|E4 !D.C.!|", "CDECD"),
        ("C4|!segno!D4|E4 !D.S.!|]", "CDEDE"),
        ("|:C4|1 D4:|2 E4|F4| !D.C.alfine! |]", "CDCEFCEF"),
        ("C4|D4 !dacoda!|E4 !D.C.alcoda!|!coda!F4|]", "CDECDF"),
        ("|:C4|[1 D4:|\n[2 E4|]", "CDCE"),
    ],
)
def test_repeats_are_played(body, expected):
    song = Song.read((HEAD + body).encode())
    names = dict(zip("CDEFGAB", (C, D, E, F, G, A, B), strict=True))
    assert [pitch for *_, pitch in rows(song)] == [names[letter] for letter in expected]
    assert [start for start, *_ in rows(song)] == [4 * i for i in range(len(expected))]
    assert ("its repeats are played" in song.changes) == (expected != "CD")


def test_parts_in_the_order_of_the_header():
    head = "X:1\nP:A(BA)2\nL:1/4\nM:4/4\nK:C\n"
    assert pitches("P:A\nC4|\nP:B\nD4:|\n", head) == [C, D, D, C, D, D, C]
    assert pitches("C4|\nD4|\n", head) == [C, D]


def test_parts_that_sound_together_and_their_names():
    text = 'X:1\nM:4/4\nL:1/4\nV:1 name="Flute"\nV:2 clef=bass-8\nK:C\nV:1\nC-|C3|\nV:2\n[V:2] c z3|:d4:|\n[V:1] D|\n'
    song = Song.read(text.encode())
    assert [track.name for track in song.tracks] == ["Flute", ""]
    assert rows(song, 0) == [(3, 4, 60), (7, 1, 62)]  # an upbeat of one quarter ends the first bar
    assert [(start, pitch) for start, _, pitch in rows(song, 1)] == [(3, 60), (7, 62), (11, 62)]


def test_layers_within_a_bar():
    assert played("C2 D2 & E4 | F4") == [(0, 2, 60), (0, 4, 64), (2, 2, 62), (4, 4, 65)]


def test_signs_and_what_was_left_out():
    text = (
        HEAD.replace("K:C", "Q:1/4=90\nK:Am")
        + 'C4|[M:3/4][Q:3/8=80]{a}D3|"F"E3 ?|\nK:Q\n%%MIDI program 40\n\nX:2\nK:C\nC\n'
    )
    song = Song.read(text.encode())
    unit = song.ticks_per_quarter
    assert song.tempos == ((0, 90), (4 * unit, 120))
    assert [tuple(metre) for metre in song.time_signatures] == [(0, 4, 4), (4 * unit, 3, 4)]
    assert [tuple(key) for key in song.key_signatures] == [(0, 0, True)]
    assert song.changes == (
        "1 note of ornaments (grace notes) left out",
        "its chord symbols are not played",
        "1 sign left out that ABC does not have",
        "1 field left out that ABC does not have",
        "its %%MIDI directives are not followed",
        "only the first tune was read, not the 1 after it",
    )


def test_what_surrounds_music_is_no_music():
    text = (
        "%abc-2.1\nM:4/4\nThis is a book.\n\nX:1\nT:Bad Deed\nC:Bach\nM:3/4\n%%begintext\nABC\n%%endtext\nL:1/4\nK:C\n"
        "% AAA\nC D E | % GG\nw: la la la\nB:A book of ABC\nE:7\nr: remark\nF3:|\n\nA B C is not part of it\n"
    )
    assert pitches("", text) == [C, D, E, F, C, D, E, F]
    assert Song.read(text.encode()).time_signatures[0][1:] == (3, 4)
    assert pitches("", text.replace("\n", "\r\n")) == pitches("", text.replace("\n", "\r")) == pitches("", text)


def test_music_after_the_end_of_a_tune_is_said_to_be_left_out():
    song = Song.read((HEAD + "C D|\n\nE F|\nG A|]\n\nX:2\nK:C\nB|\n").encode())
    assert song.tracks[0].notes["pitch"].tolist() == [C, D]
    assert song.changes[0] == "2 lines after an empty one, which ends a tune, left out"


INCLUDES = ["%%abc-include {}", "%% abc-include {}", "I:abc-include {}", "%%ABC-INCLUDE {}", "%%postscript-include {}"]


@pytest.mark.parametrize("directive", INCLUDES)
@pytest.mark.parametrize("name", ["tune.abc", "looks_like.mid", "tune.musicxml"])
def test_no_other_file_is_opened(directive, name, tmp_path):
    (tmp_path / "secret.txt").write_text("T:secret\n")
    path = tmp_path / name
    path.write_text(HEAD + directive.format("secret.txt") + "\nC D E F|\n")
    script = (
        "import sys; from musicae.music.song import Song; from musicae.errors import MidiError; opened = []\n"
        "sys.addaudithook(lambda event, of: opened.append(str(of[0])) if event == 'open' else None)\n"
        f"try: Song.read({str(path)!r})\nexcept MidiError as error: print(error)\n"
        "print([one for one in opened if not one.endswith(('.py', '.pyc', '.so')) and not one.isdigit()])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, check=True)
    message, opened = found.stdout.splitlines()
    assert "asks for another file" in message
    assert opened == str([str(path)])


ABSURD = {
    "length": "C99999999999",
    "long number": "C" + "9" * 300_000,
    "length of a rest": "z2147483648",
    "bars of rest": "C Z4294967296",
    "division": "C/0",
    "slashes": "C" + "/" * 60,
    "octaves": "C" + "'" * 1000,
    "too high": "c'''''",
    "tuplet": "(0CD",
    "tuplet in no time": "(3:0:3CDE",
    "long tuplet": "(99999999CDE",
    "notes": "C" * 60_000,
    "characters": "z |" * 100_000,
    "repeats": ("C" * 5_000 + ":::::|") * 9,
    "bars": "z|" * 30_000 + "C",
    "voices": "".join(f"[V:{i}]C" for i in range(100)),
    "nothing": "",
    "no notes": "z4|z4|",
}


@pytest.mark.parametrize("name", ABSURD)
def test_absurd_tunes_are_refused_at_once(name):
    before = time.process_time()
    with pytest.raises(MidiError) as caught:
        Song.read((HEAD + ABSURD[name]).encode())
    assert "\n" not in str(caught.value)
    assert time.process_time() - before < 5


HEAVY = [
    "{",
    "[",
    '"',
    "!",
    "[K:",
    "[V:",
    "(3",
    "+",
    "[CEG",
    "|:",
    "C>",
    "&",
    "C-",
    "{C",
    "\\",
    "%",
    "(",
    "[1",
    "-",
    "I:",
]


@pytest.mark.parametrize("sign", HEAVY)
def test_work_grows_no_faster_than_the_text(sign):
    """No sign that is never closed is looked for again and again."""
    before = time.process_time()
    read_or_refuse(HEAD + sign * (60_000 // len(sign)))
    read_or_refuse(HEAD + (sign + "\n") * 10_000)
    assert time.process_time() - before < 5


def test_fractions_stay_small():
    primes = [p for p in range(3, 256) if all(p % d for d in range(2, p))]
    before = time.process_time()
    read_or_refuse(HEAD + "".join(f"({p}:{q}:1C{p}/{q}" for p in primes for q in primes)[:190_000])
    assert time.process_time() - before < 5


def read_or_refuse(text: str) -> None:
    """Reads a text, which nothing but a MidiError may prevent."""
    with contextlib.suppress(MidiError):
        Song.read(text.encode("utf-8", "replace"))


SIGNS = st.sampled_from(
    [
        *"ABCabcz|:[](){}<>-,'/^_=&!+.%\\\"~ \n0123456789xyZXK",
        *HEAVY,
        ":|",
        "[1",
        "|2",
        "(3:2:",
        "V:2\n",
        "K:G\n",
        "M:6/8\n",
    ]
)


@given(st.lists(SIGNS | st.text(max_size=3), max_size=80).map("".join))
@example("C[1:|[2:|")
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused(body):
    read_or_refuse(HEAD + body)


BETWEEN = st.sampled_from(["", " ", '"Am"', "!f!", "{gc}", ".", "|", "% C\n", "\nw: la-la\n", "\\\n", "[K:C]", "y"])


@given(st.lists(st.tuples(BETWEEN, st.sampled_from("CDEFGAB")), min_size=1, max_size=40))
@settings(max_examples=100, deadline=None)
def test_a_tune_keeps_its_notes_whatever_text_surrounds_them(written):
    heights = dict(zip("CDEFGAB", (C, D, E, F, G, A, B), strict=True))
    assert pitches("".join(map("".join, written))) == [heights[letter] for _, letter in written]


def test_reading_takes_little_memory():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    read_or_refuse(HEAD + "[CEG]" * 10_000)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < 400  # MB


def test_agrees_with_abc2midi_on_a_real_collection():
    """O'Neill's collection: in tunes without ornaments, which abc2midi plays out, the same notes at the same times."""
    corpus = music21.common.getCorpusFilePath() / "oneills1850"
    books = sorted(corpus.glob("*.abc"))[:6]
    tunes = [tune for book in books for tune in book.read_text("latin-1").split("\n\n") if "X:" in tune]
    plain = [tune for tune in tunes if not set(tune.partition("\nK:")[2]) & set('{~THu">')][:80]
    same = sum(notes_of(reading.read(t.encode())) == notes_of(reading.read_trusted(t.encode())) for t in plain)
    assert len(plain) > 30
    assert same >= 0.95 * len(plain)


def notes_of(score: Score) -> set[tuple[int, int]]:
    """(48ths from the first note, pitch)."""
    found = [(round(48 * start), pitch) for start, _, pitch in rows(score)]
    return {(start - found[0][0], pitch) for start, pitch in found}
