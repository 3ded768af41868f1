"""MusicXML and kern of others: repeats that are played, limits that hold, and processes that do not stay."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

import musicae
from musicae.errors import MidiError
from musicae.music.data.sources import pieces
from musicae.music.formats import notation
from musicae.music.song import Song

TIME = "<attributes><divisions>1</divisions><time><beats>4</beats><beat-type>4</beat-type></time></attributes>"
LEFT = '<barline location="left">{}</barline>'
RIGHT = '<barline location="right">{}</barline>'
BEGIN, END = LEFT.format('<repeat direction="forward"/>'), RIGHT.format('<repeat direction="backward"/>')
THRICE = RIGHT.format('<repeat direction="backward" times="3"/>')


def ending(number: str, where: str, kind: str) -> str:
    return f'<barline location="{where}"><ending number="{number}" type="{kind}"/></barline>'


def end_of(number: str) -> str:
    return RIGHT.format(f'<ending number="{number}" type="stop"/><repeat direction="backward"/>')


def bar(letter: str, before: str = "", after: str = "") -> str:
    note = f"<note><pitch><step>{letter}</step><octave>4</octave></pitch><duration>4</duration></note>"
    return before + note + after


def musicxml(*parts: list[str], before: str = "") -> str:
    """A score of parts, each of bars."""
    numbers = range(1, len(parts) + 1)
    listed = "".join(f'<score-part id="P{i}"><part-name>{i}</part-name></score-part>' for i in numbers)
    music = "".join(
        f'<part id="P{i}">'
        + "".join(f'<measure number="{n}">{TIME * (n == 1)}{bar}</measure>' for n, bar in enumerate(bars, 1))
        + "</part>"
        for i, bars in zip(numbers, parts, strict=True)
    )
    return f'<?xml version="1.0"?>{before}<score-partwise><part-list>{listed}</part-list>{music}</score-partwise>'


def letters(song: Song, track: int = 0) -> str:
    return "".join("C?D?EF?G?A?B"[pitch - 60] for pitch in song.tracks[track].notes["pitch"])


VOLTA = [bar("C", BEGIN), bar("D", ending("1", "left", "start"), end_of("1")), bar("E", ending("2", "left", "start"))]


@pytest.mark.parametrize(
    ("bars", "expected"),
    [
        ([bar("C"), bar("D")], "CD"),
        ([bar("C"), bar("D", after=END), bar("E")], "CDCDE"),
        ([bar("C"), bar("D", BEGIN), bar("E", after=END), bar("F")], "CDEDEF"),
        ([bar("C", BEGIN, THRICE), bar("D")], "CCCD"),
        (VOLTA, "CDCE"),
        ([*VOLTA, bar("F", BEGIN, END)], "CDCEFF"),
        (
            [bar("C", BEGIN), bar("D", RIGHT.format("<bar-style>light-light</bar-style>")), bar("E", after=END)],
            "CDECDE",
        ),
        ([bar("C", ending("1,2", "left", "start"), end_of("1,2")), bar("D", ending("3", "left", "start"))], "CCD"),
    ],
)
def test_repeats_of_musicxml_are_played(bars, expected):
    song = Song.read(musicxml(bars).encode())
    assert letters(song) == expected
    assert (song.tracks[0].notes["start"] / song.ticks_per_quarter).tolist() == [4 * i for i in range(len(expected))]
    assert ("its repeats are played" in song.changes) == (len(expected) > len(bars))


def test_repeats_that_one_part_has_hold_for_all():
    song = Song.read(
        musicxml([bar("C", BEGIN), bar("D", after=END), bar("E")], [bar("G"), bar("A"), bar("B")]).encode()
    )
    assert [letters(song, track) for track in (0, 1)] == ["CDCDE", "GAGAB"]
    assert (song.tracks[0].notes["start"] == song.tracks[1].notes["start"]).all()


def test_repeats_without_sense_are_left_as_written_and_that_is_said():
    times = RIGHT.format('<repeat direction="backward" times="1000000"/>')
    song = Song.read(musicxml([bar("C", BEGIN, times), bar("D")]).encode())
    assert letters(song) == "CD"
    assert song.changes[0].startswith("its repeats are not played")


WORDS = "<direction><direction-type><words>{}</words></direction-type></direction>"
CODA, SEGNO = (f"<direction><direction-type><{name}/></direction-type></direction>" for name in ("coda", "segno"))


@pytest.mark.parametrize(
    ("bars", "expected"),
    [
        ([bar("C"), bar("D", "", WORDS.format("Fine")), bar("E", "", WORDS.format("D.C. al Fine"))], "CDECD"),
        ([bar("C"), bar("D", SEGNO), bar("E", "", WORDS.format("D.S."))], "CDEDE"),
        ([*VOLTA, bar("F", "", WORDS.format("Da Capo"))], "CDCEFCEF"),
        (
            [
                bar("C", "", CODA),
                bar("D", "", WORDS.format("D.C. al Coda")),
                bar("E", CODA),
            ],
            "CDCE",
        ),
    ],
)
def test_jumps_of_musicxml_are_played(bars, expected):
    assert letters(Song.read(musicxml(bars).encode())) == expected


def test_repeats_of_kern_are_played():
    song = Song.read(b"**kern\n*M4/4\n=1!|:\n1c\n=2:|!\n1d\n==\n*-\n")
    assert letters(song) == "CCD"


def test_drums_of_musicxml_have_the_keys_of_their_instruments():
    """MuseScore's way: notes without a pitch, each of an instrument whose MIDI key the list of parts gives."""
    keys = {"a": 37, "b": 39, "c": 43}
    listed = "".join(
        f'<midi-instrument id="{name}"><midi-channel>10</midi-channel><midi-unpitched>{key}</midi-unpitched>'
        "</midi-instrument>"
        for name, key in keys.items()
    )
    note = (
        "<note>{}<unpitched><display-step>F</display-step><display-octave>4</display-octave></unpitched>"
        '<duration>1</duration><instrument id="{}"/></note>'
    )
    bars = [note.format("", "a") + note.format("<chord/>", "c") + note.format("", "b") + note.format("", "other")]
    text = musicxml(bars).replace("</part-name>", "</part-name>" + listed)
    song = Song.read(text.encode())
    unit = song.ticks_per_quarter
    assert song.tracks[0].is_drum
    assert song.tracks[0].notes[["start", "pitch"]].tolist() == [(0, 36), (0, 42), (unit, 38)]
    assert song.changes == ("1 note without a pitch left out",)


def test_ties_join_across_bars_and_chords():
    tie = '<note>{}<pitch><step>C</step><octave>4</octave></pitch><duration>4</duration><tie type="{}"/></note>'
    chord = "<note><chord/><pitch><step>E</step><octave>4</octave></pitch><duration>4</duration></note>"
    song = Song.read(musicxml([tie.format("", "start") + chord, tie.format("", "stop")]).encode())
    unit = song.ticks_per_quarter
    assert song.tracks[0].notes[["start", "end", "pitch"]].tolist() == [(0, 8 * unit, 60), (0, 4 * unit, 64)]


LAUGHS = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'
FILE = '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
REFUSED = {
    "entities": (musicxml([bar("C")], before=LAUGHS), "entities"),
    "a file": (musicxml([bar("C")], before=FILE), "entities"),
    "depth": (musicxml([bar("C", "<a>" * 100_000)]), "deep"),
    "elements": (musicxml([bar("C", "<a/>" * 600_000)]), "elements"),
    "characters": (musicxml([bar("C", " " * 9_000_000)]), "characters"),
    "damage": (musicxml([bar("C")])[:-40], "damaged XML"),
    "spines": ("**kern" + "\t**kern" * 1000 + "\n4c\n", "spines"),
    "no notes": (musicxml([]), "."),
    "numbers": (musicxml([bar("C").replace("<duration>4", "<duration>" + "9" * 5000)]), "."),
    "length": (musicxml([bar("C").replace("<duration>4", "<duration>99999999999")]), "beats from the beginning"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_absurd_scores_are_one_line(name):
    text, reason = REFUSED[name]
    with pytest.raises(MidiError, match=reason) as caught:
        Song.read(text.encode())
    assert "\n" not in str(caught.value)


def test_a_doctype_is_no_harm():
    doctype = (
        '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 3.1 Partwise//EN" "http://nowhere.invalid/a.dtd">'
    )
    assert letters(Song.read(musicxml([bar("C")], before=doctype).encode())) == "C"


def ask_to(monkeypatch, work: str) -> notation._Process:
    """A process that does something else than to parse."""
    code = notation._CODE.replace(
        "\nserve()", f"\nimport time, musicae.music.formats.notation_child as child\n{work}\nserve()"
    )
    monkeypatch.setattr(notation, "_CODE", code)
    notation.end_all()
    return notation._Process()


def parse_by(work: str) -> str:
    """Replaces the parser."""
    parser = f"def parse(text, name):\n if text == 'x':\n  {work}\n"
    return parser + "child._warm_up = lambda: None\nchild.music21_.from_notation = parse"


@pytest.mark.parametrize(
    ("work", "reason"),
    [
        ("while True: pass", "takes more than 1 seconds"),
        ("bytearray(10**9)", "MB of memory"),
        ("[list(range(10**6)) for _ in iter(int, 1)]", "MB of memory"),
        ("import os; os._exit(3)", "ended without a word"),
        ("import os; os.abort()", "ended without a word"),
        ("open('/etc/passwd')", "it would have done open"),
        ("open('made', 'w')", "it would have done open"),
        ("import os; os.system('true')", "it would have done os.system"),
        ("import os; os.fork()", "it would have done os.fork"),
        ("import socket; socket.socket()", "it would have done socket"),
        ("raise ValueError('no' * 10**6)", "nono"),
        ("print('x' * 10**7)", "."),
    ],
)
def test_limits_of_a_process(work, reason, monkeypatch):
    process = ask_to(monkeypatch, parse_by(work))
    request = {"text": "x", "format": "musicxml", "seconds": 1}
    try:
        answer = process.ask(request)
        message = answer["problem"]
        assert process.process.poll() is None
    except ValueError as error:
        message = str(error)
        assert process.process.poll() is not None
    assert reason in message or reason == "."
    assert len(message) < 1000
    process.end()


def test_a_flood_is_not_read(monkeypatch):
    process = ask_to(monkeypatch, "child.send = lambda file, answer: file.write(b'\\x7f' * 1000) and file.flush()")
    with pytest.raises(ValueError, match="more notes than can be read"):
        process.ask({"text": "", "format": "musicxml", "seconds": 1})
    assert process.process.poll() is not None


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"notes": 3},
        {"notes": [[1, 2]]},
        {"notes": [[0, 1, 60, 64]], "bounds": [0, 5], "tracks": [[0, False, ""]]},
        {"notes": [[0, 1, 600, 64]], "bounds": [0, 1], "tracks": [[0, False, ""]]},
    ],
)
def test_no_answer_is_believed(answer, monkeypatch):
    whole = {"ticks_per_quarter": 1, "tempos": [], "time_signatures": [], "key_signatures": [], "changes": []}
    monkeypatch.setattr(notation._Process, "ask", lambda self, request: whole | answer)
    with pytest.raises(MidiError):
        Song.read(musicxml([bar("C")]).encode())


def children() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def test_a_process_reads_many_texts_and_is_replaced(monkeypatch):
    notation.end_all()
    monkeypatch.setattr(notation, "MOST_TEXTS", 2)
    before = len(children())
    seen = set()
    for _ in range(3):
        Song.read(musicxml([bar("C")]).encode())
        seen |= {process.process.pid for process in notation._idle}
        assert len(children()) - before <= 1
    assert len(seen) == 2
    notation.end_all()
    assert len(children()) == before


def test_several_threads_read_at_once():
    texts = [musicxml([bar(letter)] * 3).encode() for letter in "CDEFGABCDE"]
    with ThreadPoolExecutor(3) as pool:
        assert [letters(song) for song in pool.map(Song.read, texts)] == [letter * 3 for letter in "CDEFGABCDE"]
    assert len(notation._idle) <= notation.MOST_IDLE


def test_the_death_of_a_process_that_waits_is_no_harm():
    Song.read(musicxml([bar("C")]).encode())
    for process in notation._idle:
        process.process.kill()
        psutil.Process(process.process.pid).wait()
    assert letters(Song.read(musicxml([bar("D")]).encode())) == "D"


INTERRUPTED = """
import os, signal, sys, threading
from musicae.music.formats import notation
notation._CODE = notation._CODE.replace("serve()", "import time; time.sleep(600)")
threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    notation._Process().ask({"text": "", "format": "musicxml", "seconds": 100})
except KeyboardInterrupt:
    import psutil
    print("interrupted", len(psutil.Process().children(recursive=True)))
"""
FORKED = """
import os, sys
from musicae.music.song import Song
text = sys.stdin.buffer.read()
Song.read(text)
child = os.fork()
song = Song.read(text)
if child:
    os.waitpid(child, 0)
print(len(song.tracks[0].notes))
sys.stdout.flush()
"""
WORKER = """
import sys
from multiprocessing import get_context
from musicae.music.song import Song
def read(text):
    return len(Song.read(text).tracks[0].notes)
if __name__ == "__main__":
    text = sys.stdin.buffer.read()
    with get_context("spawn").Pool(1) as pool:
        print(pool.map(read, [text, text]))
"""


@pytest.mark.parametrize(
    ("script", "expected"), [(INTERRUPTED, "interrupted 0\n"), (FORKED, "1\n1\n"), (WORKER, "[1, 1]\n")]
)
def test_interruptions_forks_and_daemons(script, expected, tmp_path):
    """Nothing is left behind in any of them, and all of them can read."""
    (tmp_path / "script.py").write_text(script)
    source = Path(musicae.__file__).parents[1]
    environment = os.environ | {"PYTHONPATH": str(source), "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error"}
    command = [sys.executable, str(tmp_path / "script.py")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, cwd=tmp_path
    ) as process:
        out, errors = process.communicate(musicxml([bar("C")]).encode(), timeout=120)
    assert (out.decode(), errors.decode()) == (expected, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["script.py"]


def test_a_slow_score_costs_its_seconds_only(monkeypatch):
    """Bars without a metre, for which music21 looks through all bars before each."""
    monkeypatch.setattr(notation, "SECONDS", 1)
    text = musicxml([bar("C")] * 1500).replace(TIME, "")
    before = sum(psutil.Process().cpu_times()[2:4])
    notation.end_all()
    with pytest.raises(MidiError, match=r"takes more than \d seconds"):
        Song.read(text.encode())
    assert sum(psutil.Process().cpu_times()[2:4]) - before < 10


def test_texts_of_a_dependency_alone_are_trusted(tmp_path):
    assert all(piece.trusted for piece in pieces("music21"))
    (tmp_path / "tune.abc").write_text("X:1\nK:C\nC\n")
    assert not any(piece.trusted for piece in pieces(tmp_path))
