from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from musicae.errors import Error, MidiError
from musicae.music.render import audio
from musicae.music.render.html import Section, fragment, listen, page, save_page
from musicae.music.score.note_arrays import NOTE
from musicae.music.score.score import Tempo, Track
from musicae.music.song import Song

SONG = Song(
    (Track(np.array([(480 * i, 480 * i + 480, 60 + i, 80) for i in range(4)], NOTE), name="Tune"),),
    name="Scale",
)
LONG = replace(SONG, tempos=(Tempo(0, 5.0),), name="Slow")  # 48 s
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>\x00\ud800'


class Elements(HTMLParser):
    """Every element of a page: (tag, attributes); and its text."""

    def __init__(self, text):
        super().__init__()
        self.found, self.text, self.open = [], "", []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in ("meta", "path", "rect", "img", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


def content(uri, kind):
    head, _, data = uri.partition(",")
    assert head == f"data:{kind};base64"
    return b64decode(data, validate=True)


def test_a_page_has_a_roll_a_player_and_a_download_for_each_song():
    elements = Elements(page("Title", [Section("One", "the first", SONG), ("Two", "", SONG)]))
    assert not elements.open
    assert [len(elements.all(tag)) for tag in ("section", "svg", "audio", "a")] == [2, 2, 2, 2]
    assert content(elements.all("audio")[0]["src"], "audio/wav") == audio.render(SONG, small=True)
    assert content(elements.all("a")[0]["href"], "audio/midi") == SONG.to_bytes()
    assert elements.all("a")[0]["download"] == "One.mid"
    for word in (
        "Title",
        "One",
        "the first",
        "Two",
        "4/4 · 120 BPM · 0:02 · 1 track · 4 notes",
    ):
        assert word in elements.text


@pytest.mark.parametrize("text", [page("Title", [("One", "", SONG)]), fragment(SONG)], ids=["page", "fragment"])
def test_nothing_comes_from_the_network(text):
    text = text.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.search(r"https?:|//[a-z]|@import|url\(", re.sub(r"base64,[^\"]*", "", text))
    for tag, attributes in Elements(text).found:
        assert tag not in ("script", "link", "iframe", "object", "img")
        assert all(attributes[name].startswith("data:") for name in ("src", "href") if name in attributes)


def test_what_can_be_played_or_fetched_has_a_name():
    elements = Elements(page("Title", [("One", "", SONG)]))
    for tag in ("svg", "audio", "a"):
        assert "One" in elements.all(tag)[0]["aria-label"] or "Scale" in elements.all(tag)[0]["aria-label"]
    assert elements.all("html")[0]["lang"]
    assert "prefers-color-scheme: dark" in page("Title", [])


def test_hostile_names_are_text():
    song = replace(SONG, name=HOSTILE, tracks=tuple(replace(track, name=HOSTILE) for track in SONG.tracks))
    for text in (page(HOSTILE, [(HOSTILE, HOSTILE, song)], longest=0), fragment(song, longest=0)):
        text.encode()
        elements = Elements(text)
        assert not elements.open
        assert not elements.all("script") + elements.all("img")
        assert all("onerror" not in attributes for _, attributes in elements.found)
    assert re.fullmatch(r"[\w-]+\.mid", elements.all("a")[0]["download"])


def test_of_long_songs_the_page_has_the_beginning_and_says_so():
    short = Elements(page("Title", [("One", "", LONG)], longest=2.0))
    assert len(content(short.all("audio")[0]["src"], "audio/wav")) == 44 + 2 * 2 * audio.SMALL_RATE
    assert "The sound stops after 0:02 of 0:48." in short.text
    whole = Elements(page("Title", [("One", "", LONG)], longest=None))
    assert len(content(whole.all("audio")[0]["src"], "audio/wav")) == 44 + 50 * 2 * audio.SMALL_RATE
    assert "stops" not in whole.text


def test_pages_without_sound_do_not_render(monkeypatch):
    monkeypatch.setattr(audio, "render", None)
    assert not Elements(page("Title", [("One", "", SONG)], longest=0)).all("audio")


def test_pages_are_the_same_every_time():
    assert page("Title", [("One", "", SONG)]) == page("Title", [("One", "", SONG)])


def test_notebooks_show_a_song_even_without_sound(monkeypatch):
    assert Elements(SONG._repr_html_()).all("audio")
    monkeypatch.setenv("SOUNDFONT", "/nowhere.sf2")
    elements = Elements(SONG._repr_html_())
    assert elements.all("svg")
    assert not elements.all("audio")
    assert "No sound: soundfont /nowhere.sf2 cannot be opened" in elements.text


def test_existing_pages_are_kept_without_force(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("old")
    with pytest.raises(Error, match="--force"):
        save_page(path, "Title", [("One", "", SONG)])
    assert path.read_text() == "old"
    assert save_page(path, "Title", [("One", "", SONG)], force=True) == path
    assert path.read_text().startswith("<!DOCTYPE html>")


def test_listen_writes_sound_and_page_into_the_folder_of_each_file(tmp_path):
    files = [SONG.save(tmp_path / "a.mid"), SONG.save(tmp_path / "b.b.mid")]
    written = listen(files)
    assert [path.name for path in written] == ["a.wav", "a.html", "b.b.wav", "b.b.html"]
    assert {path.parent for path in written} == {tmp_path}
    assert written[0].read_bytes() == audio.render(SONG)
    assert len(Elements(written[1].read_text()).all("audio")) == 1


def test_listen_writes_into_a_folder_and_numbers_files_of_one_name(tmp_path):
    files = [SONG.save(tmp_path / folder / "a.mid") for folder in "xy"]
    written = listen(files, out=tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "a-2.html",
        "a-2.wav",
        "a.html",
        "a.wav",
    ]
    assert len(written) == 4


def test_listen_replaces_nothing_without_force_and_leaves_nothing_half_done(tmp_path):
    files = [SONG.save(tmp_path / "a.mid"), SONG.save(tmp_path / "b.mid")]
    (tmp_path / "b.html").write_text("old")
    with pytest.raises(Error, match=r"b\.html.*--force"):
        listen(files)
    assert not (tmp_path / "a.wav").exists()
    assert len(listen(files, force=True)) == 4


@pytest.mark.parametrize("trouble", ["missing file", "missing soundfont"])
def test_listen_finds_trouble_before_it_writes(trouble, tmp_path):
    files = [SONG.save(tmp_path / "a.mid")] + [tmp_path / "none.mid"] * (trouble == "missing file")
    with pytest.raises(MidiError if trouble == "missing file" else Error, match="none"):
        listen(files, soundfont=tmp_path / "none.sf2")
    assert [path.name for path in tmp_path.iterdir()] == ["a.mid"]
