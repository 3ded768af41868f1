"""Named files in a folder, in an archive, or on their own: data sets are read from all three in the same way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from musicae.archives import entries, is_archive, members
from musicae.errors import DataError
from musicae.files import MOST_BYTES
from musicae.images.arrays import MOST_HELD

MOST_TIMES = 4  # what arrays take on disk, where that is more than `MOST_HELD`


class Storage:
    """The files of a folder (its sub-folders too), of a tar or zip archive, or one file.

    Args:
        path: the folder, the archive or the file.

    Attributes:
        names: of the files, in order.
        skipped: the name and the reason of all that could not be read so far.

    Raises:
        DataError: it is missing, or no archive in spite of its name.
    """

    def __init__(self, path: Path):
        self.path = path
        self.skipped: list[tuple[str, str]] = []
        names = []
        for entry in entries(path):
            if entry.problem:
                self.skipped.append((entry.name, entry.problem))
            elif not any(part.startswith((".", "__")) for part in Path(entry.name).parts):
                names.append(entry.name)
        self.names = sorted(names)

    @property
    def most_held(self) -> int:
        """The bytes of arrays that may be read from it."""
        paths = [self.path] if self.path.is_file() else [self.path / name for name in self.names]
        return max(MOST_HELD, MOST_TIMES * sum(path.stat().st_size for path in paths if path.is_file()))

    def read(
        self, names: Iterable[str], most: int = MOST_BYTES, together: int | None = None
    ) -> Iterator[tuple[str, bytes]]:
        """Name and content of those of the files called `names` that are there, in the order in which they are stored.

        Args:
            names: of the files.
            most: bytes of one file.
            together: bytes of all of them; None for any number.
        """
        wanted = set(names) & set(self.names)
        for one in members(self.path, wanted.__contains__, most, together):
            if not one.problem:
                yield one.name, one.content
            elif (one.name, one.problem) not in self.skipped:
                self.skipped.append((one.name, one.problem))

    def hold(self, names: Iterable[str]) -> dict[str, bytes]:
        """The content of those of the files called `names` that are there, all of which are needed.

        Raises:
            DataError: one of them cannot be read, or they are too large together.
        """
        content = dict(self.read(names, self.most_held, self.most_held))
        broken = [(name, why) for name, why in self.skipped if name in set(names) or is_archive(self.path)]
        if broken:
            raise DataError("{}: {}".format(*broken[0]))
        return content
