"""Writes midi_samples: python scripts/make_midi_samples.py

Small pieces of different kinds in the public domain. They are written out below bar by bar, and the length of each bar
is checked. Only the chorale is from elsewhere: music21's corpus.

The notation is a part of ABC: `C` is middle C, `c` the octave above, `C,` the one below; `^`, `_`, `=` are
accidentals of this note only; `z` is a rest, `[CEG]` a chord; a number is a length in units (`C2`, `C/`,
`C3/2`); `-` ties to the next note; `|` ends a bar. An upbeat is written as a bar that begins with rests.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from musicae.files import write_atomically
from musicae.music.score.grid import Grid
from musicae.music.score.note_arrays import NOTE
from musicae.music.score.score import KeySignature, Tempo, TimeSignature, Track
from musicae.music.song import Song

QUARTER = 480
FOLDER = Path(__file__).parents[1] / "midi_samples"
SCALE = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
SHARPS = "FCGDAEB"
PITCH = re.compile(r"([\^_=]?)([A-Ga-gz])([,']*)")
ITEM = re.compile(r"(\[[^\]]+\]|[\^_=]?[A-Ga-gz][,']*)(\d*)(/?)(\d*)(-?)|(\|)|(\s+)")
Note = tuple[int, int, int, int]  # start and end in ticks, pitch, velocity


@dataclass(frozen=True)
class Sample:
    """A piece and what the table says of it."""

    file: str
    title: str
    kind: str
    source: str
    song: Song


# Notation -----------------------------------------------------------------------------------------


def notes(text: str, unit: float, sharps: int = 0, transpose: int = 0, velocity: int = 80) -> list[Note]:
    """The notes of `text`, first notes of bars louder; `unit` is in quarters, negative `sharps` are flats."""
    time, found, tied, accent = Fraction(0), [], {}, True
    for match in ITEM.finditer(text):
        name, number, slash, divisor, tie, bar, _ = match.groups()
        if not name:
            accent = accent or bool(bar)
            continue
        length = Fraction(int(number or 1), int(divisor or 2) if slash else 1) * Fraction(unit)
        end, held = round((time + length) * QUARTER), {}
        for pitch in pitches(name, sharps):
            held[pitch] = start, loudness = tied.get(pitch, (round(time * QUARTER), velocity + 12 * accent))
            if not tie:
                found.append((start, end, pitch + transpose, loudness))
        time, tied, accent = time + length, held if tie else {}, False
    return found


def pitches(name: str, sharps: int = 0) -> list[int]:
    """The MIDI pitches of a note or chord; none of a rest."""
    found = [PITCH.fullmatch(part.group()).groups() for part in PITCH.finditer(name)]
    return [pitch(*parts, sharps) for parts in found if parts[1] != "z"]


def pitch(accidental: str, letter: str, octave: str, sharps: int) -> int:
    """The MIDI pitch of a note in a key."""
    raised = letter.upper() in SHARPS[: max(sharps, 0)]
    lowered = letter.upper() in SHARPS[len(SHARPS) + min(sharps, 0) :]
    change = {"^": 1, "_": -1, "=": 0, "": raised - lowered}[accidental]
    octaves = letter.islower() + octave.count("'") - octave.count(",")
    return 60 + SCALE[letter.upper()] + 12 * octaves + change


def check_bars(text: str, unit: float, quarters: Iterable[float]) -> None:
    """Raises ValueError unless the bars of `text` are as long as `quarters` says."""
    bars = [bar for bar in text.split("|") if bar.strip()]
    for i, (bar, length) in enumerate(zip(bars, quarters, strict=True)):
        items = [match.groups() for match in ITEM.finditer(bar) if match.group(1)]
        total = sum(Fraction(int(n or 1), int(d or 2) if slash else 1) for _, n, slash, d, *_ in items)
        if total * Fraction(unit) != length:
            raise ValueError(f"bar {i + 1} ({bar.strip()}) has {float(total * Fraction(unit))} quarters")


def track(found: Iterable[Note], program: int, name: str, is_drum: bool = False) -> Track:
    """A track of notes in order."""
    return Track(np.array(sorted(found), NOTE)[["start", "end", "pitch", "velocity"]], program, is_drum, name)


def written(text: str, metre: tuple[int, int], unit: float, sharps: int, **options) -> list[Note]:
    """The notes of `text`, every bar of it checked."""
    bars = text.count("|")
    check_bars(text, unit, [4 * metre[0] / metre[1]] * bars)
    return notes(text, unit, sharps, **options)


def song(title: str, tracks: Iterable[Track], metre: tuple[int, int], tempo: float, key: tuple[int, bool]) -> Song:
    """A song with one metre, tempo (BPM) and key (sharps, minor)."""
    return Song(
        tuple(tracks),
        QUARTER,
        (Tempo(0, tempo),),
        (TimeSignature(0, *metre),),
        (KeySignature(0, *key),),
        title,
    )


# Melodies -----------------------------------------------------------------------------------------


def twinkle_twinkle() -> Sample:
    """4/4, twelve bars."""
    tune = """D D A A | B B A2 | G G F F | E E D2 | A A G G | F F E2 |
              A A G G | F F E2 | D D A A | B B A2 | G G F F | E E D2 |"""
    melody = track(written(tune, (4, 4), 1, 2), 0, "Melody")
    title = "Twinkle, Twinkle, Little Star"
    source = "French folk tune (Ah! vous dirai-je, maman, 1761)"
    return Sample("twinkle_twinkle", title, "melody", source, song(title, [melody], (4, 4), 108, (2, False)))


def ode_to_joy() -> Sample:
    """4/4, twelve bars, with the tie over the bar line that Beethoven wrote."""
    tune = """F F G A | A G F E | D D E F | E3/2 D/ D2 | E E F D | E F/G/ F D |
              E F/G/ F E | D E A, F- | F F G A | A G F E | D D E F | E3/2 D/ D2 |"""
    melody = track(written(tune, (4, 4), 1, 2), 0, "Melody")
    title = "Ode to Joy"
    source = "Ludwig van Beethoven, Symphony no. 9 (1824): the theme from its second phrase on"
    return Sample("ode_to_joy", title, "melody", source, song(title, [melody], (4, 4), 120, (2, False)))


def amazing_grace() -> Sample:
    """3/4 with an upbeat."""
    tune = """z2 D | G2 B/G/ | B2 A | G2 E | D2 D | G2 B/G/ | B2 A | d3- | d2 B |
              d2 B/G/ | B2 A | G2 E | D2 D | G2 B/G/ | B2 A | G3- | G2 z |"""
    melody = track(written(tune, (3, 4), 1, 1), 52, "Voice")
    title = "Amazing Grace"
    source = "New Britain, American hymn tune (printed 1829 to 1847)"
    return Sample("amazing_grace", title, "melody, upbeat", source, song(title, [melody], (3, 4), 84, (1, False)))


def greensleeves() -> Sample:
    """6/8 with an upbeat."""
    tune = """z5 A | c2 d e3/2 ^f/ e | d2 B G3/2 A/ B | c2 A A3/2 ^G/ A | B2 ^G E2 A |
              c2 d e3/2 ^f/ e | d2 B G3/2 A/ B | c3/2 B/ A ^G3/2 ^F/ ^G | A3 A3 |
              g3 g3/2 ^f/ e | d2 B G3/2 A/ B | c2 A A3/2 ^G/ A | B2 ^G E3 |
              g3 g3/2 ^f/ e | d2 B G3/2 A/ B | c3/2 B/ A ^G3/2 ^F/ ^G | A6 |"""
    melody = track(written(tune, (6, 8), 1 / 2, 0), 24, "Lute")
    title = "Greensleeves"
    source = "English folk tune (registered 1580)"
    return Sample("greensleeves", title, "melody, upbeat", source, song(title, [melody], (6, 8), 84, (0, True)))


def shave_and_a_haircut() -> Sample:
    """One bar."""
    melody = track(written("c2 G G A2 G2 z2 B2 c2 z2 |", (4, 4), 1 / 4, 0), 13, "Xylophone")
    title = "Shave and a Haircut"
    source = "American ditty (in Charles Hale, At a Darktown Cakewalk, 1899)"
    return Sample("shave_and_a_haircut", title, "one bar", source, song(title, [melody], (4, 4), 112, (0, False)))


# Several tracks -----------------------------------------------------------------------------------


def frere_jacques() -> Sample:
    """A round: four voices, each two bars after the one before."""
    tune = "F G A F | F G A F | A B c2 | A B c2 | c/d/c/B/ A F | c/d/c/B/ A F | F C F2 | F C F2 |"
    voices = ("Flute", 73, 12), ("Oboe", 68, 0), ("Clarinet", 71, 0), ("Bassoon", 70, -12)
    tracks = [
        track(delayed(written(tune, (4, 4), 1, -1, transpose=octave), 8 * i), program, name)
        for i, (name, program, octave) in enumerate(voices)
    ]
    title = "Frère Jacques"
    source = "French round (manuscript of about 1780)"
    return Sample("frere_jacques", title, "round", source, song(title, tracks, (4, 4), 116, (-1, False)))


def delayed(found: Iterable[Note], quarters: float) -> list[Note]:
    """The notes, `quarters` later."""
    ticks = round(quarters * QUARTER)
    return [(start + ticks, end + ticks, pitch, velocity) for start, end, pitch, velocity in found]


def when_the_saints() -> Sample:
    """A band: trumpet, piano, bass and drums, with an upbeat."""
    tune = """z C E F | G4- | G C E F | G4- | G C E F | G2 E2 | C2 E2 | D4- | D E E D |
              C3 C | E2 G2 | G F3- | F2 E F | G2 E2 | C2 D2 | C4- | C4 |"""
    chords = ["-", "C", "C", "C", "C", "C", "C", "G7", "G7", "C", "C7", "F", "F", "C", "G7", "C", "C"]
    melody = written(tune, (4, 4), 1, 0, transpose=5, velocity=96)
    tracks = [
        track(melody, 56, "Trumpet"),
        track(off_beats(chords, transpose=-7), 0, "Piano"),
        track(two_beats(chords, transpose=-7), 32, "Bass"),
        track(swing(chords), 0, "Drums", is_drum=True),
    ]
    title = "When the Saints Go Marching In"
    source = "American spiritual (recorded 1923); arranged for this package"
    return Sample("when_the_saints", title, "band with drums", source, song(title, tracks, (4, 4), 176, (-1, False)))


def korobeiniki() -> Sample:
    """Three verses, each faster."""
    tune = """e B/c/ d c/B/ | A A/c/ e d/c/ | B3/2 c/ d e | c A A2 |
              z/ d f/ a g/f/ | e3/2 c/ e d/c/ | B B/c/ d e | c A A z |"""
    chords = ["E", "Am", "E", "Am", "Dm", "C", "E", "Am"] * 3
    tracks = [
        track(written(tune * 3, (4, 4), 1, 0), 21, "Accordion"),
        track(off_beats(chords), 25, "Guitar"),
        track(two_beats(chords), 32, "Bass"),
    ]
    title = "Korobeiniki"
    verse = 32 * QUARTER
    piece = song(title, tracks, (4, 4), 112, (0, True))
    tempos = (Tempo(0, 112.0), Tempo(verse, 132.0), Tempo(2 * verse, 156.0))
    piece = Song(piece.tracks, QUARTER, tempos, piece.time_signatures, piece.key_signatures, title)
    source = "Russian folk tune (words by Nikolay Nekrasov, 1861); arranged for this package"
    return Sample("korobeiniki", title, "three tracks, tempo changes", source, piece)


def drunken_sailor() -> Sample:
    """A band of the instruments that trios are made of: verse and chorus, twice."""
    verse = """A A/A/ A A/A/ | A D F A | G G/G/ G G/G/ | G C E G |
               A A/A/ A A/A/ | A =B c d | c A G E | D2 D2 |"""
    chorus = """A2 A3/2 A/ | A D F A | G2 G3/2 G/ | G C E G |
                A2 A3/2 A/ | A =B c d | c A G E | D2 D2 |"""
    chords = ["Dm", "Dm", "C", "C", "Dm", "Dm", "Am", "Dm"] * 4
    source = "sailors' song (in Francis Olmsted, Incidents of a Whaling Voyage, 1841)"
    return band("drunken_sailor", "Drunken Sailor", source, (verse + chorus) * 2, chords, 132, (-1, True))


def auld_lang_syne() -> Sample:
    """The same band, with an upbeat."""
    verse = """z3 C | F3/2 F/ F A | G3/2 F/ G A | F F A c | d3 d |
               c3/2 A/ A F | G3/2 F/ G A | F3/2 D/ D C | F3 d |"""
    chorus = """c3/2 A/ A F | G3/2 F/ G d | c3/2 A/ A c | d3 d |
                c3/2 A/ A F | G3/2 F/ G A | F3/2 D/ D C | F4 |"""
    chords = ["-", *["F", "C7", "F", "Bb", "F", "C7", "Dm", "F"] * 2]
    source = "Scots folk tune (printed to Robert Burns' words in 1799)"
    return band("auld_lang_syne", "Auld Lang Syne", source, verse + chorus, chords, 100, (-1, False))


def band(file: str, title: str, source: str, tune: str, chords: list[str], tempo: float, key: tuple[int, bool]):
    """A sample of a tune on a piano, with guitar, bass and drums, in 4/4."""
    tracks = [
        track(written(tune, (4, 4), 1, key[0], transpose=12, velocity=96), 0, "Piano"),
        track(off_beats(chords), 27, "Guitar"),
        track(two_beats(chords), 33, "Bass"),
        track(rock(chords, BEAT if tempo > 120 else SLOW), 0, "Drums", is_drum=True),
    ]
    piece = song(title, tracks, (4, 4), tempo, key)
    return Sample(file, title, "piano, guitar, bass, drums", f"{source}; arranged for this package", piece)


CHORDS = {
    "C": ("C,", "G,,", "[G,CE]"),
    "C7": ("C,", "G,,", "[G,_B,E]"),
    "F": ("F,,", "C,", "[A,CF]"),
    "G7": ("G,,", "D,", "[G,B,F]"),
    "Am": ("A,,", "E,", "[A,CE]"),
    "Dm": ("D,", "A,,", "[A,DF]"),
    "E": ("E,", "B,,", "[^G,B,E]"),
    "Bb": ("_B,,", "F,,", "[_B,DF]"),
}  # root and fifth for the bass, chord for the piano


def two_beats(chords: Iterable[str], transpose: int = 0) -> list[Note]:
    """A bass that plays root and fifth on the first and third beat of each bar."""
    bars = (f"{CHORDS[chord][0]}2{CHORDS[chord][1]}2|" if chord in CHORDS else "z4|" for chord in chords)
    return notes("".join(bars), 1, transpose=transpose)


def off_beats(chords: Iterable[str], transpose: int = 0) -> list[Note]:
    """Chords on the second and fourth beat of each bar."""
    bars = ("z{0}z{0}|".format(CHORDS[chord][2]) if chord in CHORDS else "z4|" for chord in chords)
    return notes("".join(bars), 1, transpose=transpose, velocity=64)


def swing(chords: Iterable[str]) -> list[Note]:
    """Drums: kick on one and three, snare on two and four, a swung ride; a bar to count in, then a crash."""
    beats = [(0, 36, 92), (1, 38, 84), (2, 36, 88), (3, 38, 90)]
    beats += [(beat, 51, 78) for beat in range(4)] + [(beat + 2 / 3, 51, 58) for beat in (1, 3)]
    count_in = [(beat, 37, 80) for beat in range(4)]
    found: list[Note] = []
    for bar, chord in enumerate(chords):
        hits = beats if chord in CHORDS else count_in
        found += delayed(((round(at * QUARTER), round(at * QUARTER) + 80, drum, v) for at, drum, v in hits), 4 * bar)
    return [*found, *delayed([(0, 240, 49, 90)], 4)]


def rock(chords: Iterable[str], every: dict[int, str]) -> list[Note]:
    """Drums: the same every bar, but a roll over the toms in every eighth and a crash after it; silence where no chord
    is."""
    found: list[Note] = []
    for bar, chord in enumerate(chords):
        beat = ROLL if bar % 8 == 7 else every | CRASH if bar % 8 == 0 else every
        found += delayed(beaten(beat), 4 * bar) if chord in CHORDS else []
    return found


BEAT = {42: "x.x.x.x.x.x.x.x.", 38: "....x.......x...", 36: "x.....x.x......."}
SLOW = {51: "x...x.x.x...x.x.", 37: "........x.......", 36: "x.........x...x.", 44: "....x.......x..."}
ROLL = {
    42: "x.x.x.x.........",
    38: "....x...xx......",
    48: "..........xx....",
    45: "............xxxx",
    36: "x.......x.......",
}
CRASH = {49: "x..............."}


def beaten(bar: dict[int, str], velocity: int = 80) -> list[Note]:
    """A bar of hits in sixteenths, by drum: exactly on the grid, all equally loud."""
    step = QUARTER // 4
    hits = [(i * step, drum) for drum, line in bar.items() for i, hit in enumerate(line) if hit == "x"]
    return [(start, start + step, drum, velocity) for start, drum in hits]


def rock_beat() -> Sample:
    """Four bars of a drum score."""
    bars = BEAT | CRASH, BEAT, BEAT | {46: "..............x.", 42: "x.x.x.x.x.x.x..."}, ROLL
    found = [hit for i, bar in enumerate(bars) for hit in delayed(beaten(bar), 4 * i)]
    drums, title = track(found, 0, "Drums", is_drum=True), "Rock Beat"
    source = "written for this package"
    return Sample("rock_beat", title, "a drum score", source, song(title, [drums], (4, 4), 104, (0, False)))


TAPS = """0+9,88 3-14,71 6+21,64 8-6,97 11+17,70 12-12,82  16+4,90 19-19,66 22+11,72 24-3,99 27+25,61 28-8,84 30+13,70
          32-11,93 35+7,69 38-16,75 40+12,96 43-5,66 44+19,80  48-7,91 51+15,73 54-9,70 56+6,98 58-18,64 60+10,87"""


def taps() -> Sample:
    """Four bars tapped on one key: sixteenth, ticks that it is late, and velocity of each."""
    found = []
    for step, late, velocity in re.findall(r"(\d+)([+-]\d+),(\d+)", TAPS):
        start = int(step) * QUARTER // 4 + int(late)
        found.append((start, start + 60, 60, int(velocity)))
    title = "Taps"
    piece = song(title, [track(found, 0, "One key")], (4, 4), 96, (0, False))
    return Sample("taps", title, "a rhythm tapped on a key, unevenly", "written for this package", piece)


def bach_chorale() -> Sample:
    """Four voices from music21's corpus, with an upbeat."""
    from music21 import corpus

    score = corpus.parse("bach/bwv269")
    programs = 52, 52, 52, 52
    upbeat = 4 - score.parts[0].getElementsByClass("Measure")[0].duration.quarterLength
    tracks = [
        track(delayed(sung(part), upbeat % 4), program, part.partName)
        for part, program in zip(score.parts, programs, strict=True)
    ]
    title = "Aus meines Herzens Grunde"
    source = "Johann Sebastian Bach, chorale BWV 269, from music21's corpus"
    return Sample("bach_chorale", title, "four voices, upbeat", source, song(title, tracks, (3, 4), 92, (1, False)))


def sung(part) -> Iterator[Note]:
    """The notes of a music21 part, ties joined."""
    for note in part.flatten().stripTies().notes:
        start, end = note.offset, note.offset + note.duration.quarterLength
        yield round(start * QUARTER), round(end * QUARTER), note.pitch.midi, 80


# Piano --------------------------------------------------------------------------------------------


def minuet_in_g() -> Sample:
    """3/4, two hands."""
    right = """d G/A/B/c/ | d G G | e c/d/e/f/ | g G G | c d/c/B/A/ | B c/B/A/G/ | F G/A/B/G/ | A3 |
               d G/A/B/c/ | d G G | e c/d/e/f/ | g G G | c d/c/B/A/ | B c/B/A/G/ | A B/A/G/F/ | G3 |"""
    left = """[G,B,D]2 A, | B,3 | C3 | B,3 | A,3 | G,3 | D B, G, | D D,/C/B,/A,/ |
              B,2 A, | G, B, G, | C3 | B, C/B,/A,/G,/ | A,2 F, | G,2 B, | C D D, | G,2 G,, |"""
    tracks = [
        track(written(right, (3, 4), 1, 1, velocity=84), 0, "Right hand"),
        track(written(left, (3, 4), 1, 1, velocity=64), 0, "Left hand"),
    ]
    title = "Minuet in G"
    source = "Christian Petzold, in the Notebook for Anna Magdalena Bach (1725): the first half"
    return Sample("minuet_in_g", title, "piano, two hands", source, song(title, tracks, (3, 4), 126, (1, False)))


def prelude_in_c() -> Sample:
    """4/4, thirty-five bars of broken chords."""
    chords = """C E G c e; C D A d f; B, D G d f; C E G c e; C E A e a; C D ^F A d; B, D G d g; B, C E G c;
        A, C E G c; D, A, D ^F c; G, B, D G B; G, _B, E G ^c; F, A, D A d; F, _A, D F B; E, G, C G c;
        E, F, A, C F; D, F, A, C F; G,, D, G, B, F; C, E, G, C E; C, G, _B, C E; F,, F, A, C E;
        ^F,, C, A, C _E; _A,, F, B, C D; G,, F, G, B, D; G,, E, G, C E; G,, D, G, C F; G,, D, G, B, F;
        G,, _E, A, C ^F; G,, E, G, C G; G,, D, G, C F; G,, D, G, B, F; C,, C, G, _B, E"""
    bars = [broken(*chord.split()) for chord in chords.split(";")]
    bars.append(arpeggio("C,, C, F, A, C F C A, C A, F, A, F, D, F, D,"))
    bars.append(arpeggio("C,, B,, G, B, D F D B, D B, G, B, D, F, E, D,"))
    bars.append([(0, 4 * QUARTER, pitch, 76) for pitch in pitches("[C,,C,EGc]")])
    found = [note for i, bar in enumerate(bars) for note in delayed(bar, 4 * i)]
    title = "Prelude in C"
    source = "Johann Sebastian Bach, The Well-Tempered Clavier I (1722), BWV 846"
    piece = song(title, [track(found, 0, "Piano")], (4, 4), 72, (0, False))
    return Sample("prelude_in_c", title, "piano", source, piece)


def broken(*chord: str) -> list[Note]:
    """A chord of five notes, broken in sixteenths twice; the two lowest are held."""
    half = arpeggio(" ".join([*chord, *chord[2:]]))
    return half + delayed(half, 2)


def arpeggio(text: str) -> list[Note]:
    """Sixteenths; the first two are held to the end."""
    found = notes(text, 1 / 4, velocity=70)
    end = found[-1][1]
    return [(start, end if i < 2 else stop, pitch, velocity) for i, (start, stop, pitch, velocity) in enumerate(found)]


def promenade() -> Sample:
    """5/4 and 6/4 in turn, slower at the end."""
    right = """G F B c/f/ d | c/f/ d B c G F |
               [B,DG] [A,CF] [DFB] [FAc]/[Acf]/ [FBd] | [FAc]/[Acf]/ [FBd] [DFB] [EGc] [B,EG] [A,CF] |"""
    left = """z5 | z6 | [G,,G,] [F,,F,] [B,,,B,,] [F,,F,] [B,,,B,,] |
              [F,,F,] [B,,,B,,] [G,,G,] [C,,C,] [E,,E,] [F,,F,] |"""
    for hand in right, left:
        check_bars(hand, 1, [5, 6, 5, 6])
    metres = [TimeSignature(QUARTER * at, n, 4) for at, n in ((0, 5), (5, 6), (11, 5), (16, 6))]
    tempos = Tempo(0, 104.0), Tempo(18 * QUARTER, 96.0), Tempo(20 * QUARTER, 80.0)
    hands = [
        track(notes(right, 1, -2, velocity=88), 0, "Right hand"),
        track(notes(left, 1, -2, velocity=80), 0, "Left hand"),
    ]
    title = "Promenade"
    source = "Modest Mussorgsky, Pictures at an Exhibition (1874): the opening, simplified"
    piece = Song(tuple(hands), QUARTER, tempos, tuple(metres), (KeySignature(0, -2),), title)
    return Sample("promenade", title, "piano, changes of metre and tempo", source, piece)


# Files --------------------------------------------------------------------------------------------

PIECES = (
    twinkle_twinkle,
    ode_to_joy,
    amazing_grace,
    greensleeves,
    shave_and_a_haircut,
    frere_jacques,
    when_the_saints,
    korobeiniki,
    drunken_sailor,
    auld_lang_syne,
    rock_beat,
    taps,
    bach_chorale,
    minuet_in_g,
    prelude_in_c,
    promenade,
)

INTRODUCTION = """# Music to try things on

Small MIDI files of different kinds. All of this music is in the public domain, or was written for this package. The
files are made by

    python scripts/make_midi_samples.py

which has the notes in it, and makes the same bytes every time. An upbeat counts as a bar.

| file | title | kind | metre | bars | tracks | source |
|---|---|---|---|---|---|---|
"""


def row(sample: Sample) -> str:
    """A line of the table."""
    metres = " ".join(dict.fromkeys(f"{n}/{d}" for _, n, d in sample.song.time_signatures))
    cells = (
        f"`{sample.file}.mid`",
        sample.title,
        sample.kind,
        metres,
        len(Grid.of(sample.song)),
        len(sample.song.tracks),
    )
    return "| " + " | ".join(map(str, (*cells, sample.source))) + " |\n"


def files() -> dict[str, bytes]:
    """What belongs in the folder: the content of every file by its name."""
    samples = [piece() for piece in PIECES]
    table = INTRODUCTION + "".join(map(row, samples))
    return {f"{sample.file}.mid": sample.song.to_bytes() for sample in samples} | {"README.md": table.encode()}


def main() -> None:
    """Writes the files."""
    parser = argparse.ArgumentParser(description="Writes the files of midi_samples.")
    parser.add_argument("--out", type=Path, default=FOLDER, help="the folder to write to (default: midi_samples)")
    folder = parser.parse_args().out
    for name, content in files().items():
        print(write_atomically(folder / name, content, force=True))


if __name__ == "__main__":
    main()
