"""Named files in a folder, in an archive, or on their own: data sets are read from all three in the same way."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from musicae.errors import DataError

ARCHIVES = (".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".zip")
DAMAGE = (EOFError, ValueError, OSError, zlib.error, tarfile.TarError, zipfile.BadZipFile)


class Storage:
    """The files of a folder (its sub-folders too), of a tar or zip archive, or one file.

    Args:
        path: the folder, the archive or the file.

    Raises:
        DataError: it is missing, or a damaged archive.
    """

    def __init__(self, path: Path):
        self.path = path
        if not path.exists():
            raise DataError(f"{path}: no such file or folder")
        with refusing_damaged(path):
            self.names = sorted(n for n in self._names() if not any(p.startswith((".", "__")) for p in Path(n).parts))

    @property
    def _archive(self) -> bool:
        return self.path.name.lower().endswith(ARCHIVES)

    def _names(self) -> list[str]:
        if self.path.is_dir():
            return [p.relative_to(self.path).as_posix() for p in self.path.rglob("*") if p.is_file()]
        if not self._archive:
            return [self.path.name]
        if self.path.suffix.lower() == ".zip":
            with zipfile.ZipFile(self.path) as archive:
                return [m.filename for m in archive.infolist() if not m.is_dir()]
        with tarfile.open(self.path) as archive:
            return [m.name.removeprefix("./") for m in archive if m.isfile()]

    def read(self, names: list[str]) -> Iterator[tuple[str, bytes]]:
        """Those of the files called `names` that are there, in the order in which they are stored.

        Raises:
            DataError: the archive is damaged.
        """
        wanted = set(names) & set(self.names)
        with refusing_damaged(self.path):
            if self.path.is_dir():
                yield from ((name, (self.path / name).read_bytes()) for name in names if name in wanted)
            elif not self._archive:
                yield self.path.name, self.path.read_bytes()
            elif self.path.suffix.lower() == ".zip":
                with zipfile.ZipFile(self.path) as archive:
                    yield from ((name, archive.read(name)) for name in archive.namelist() if name in wanted)
            else:
                with tarfile.open(self.path) as archive:
                    for member in archive:
                        if member.name.removeprefix("./") in wanted:
                            yield member.name.removeprefix("./"), archive.extractfile(member).read()


@contextmanager
def refusing_damaged(path: object) -> Iterator[None]:
    """A context in which what goes wrong with a truncated or damaged file is a `DataError` that names the file."""
    try:
        yield
    except DAMAGE as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(f"{path}: truncated or damaged ({reason}); get it again") from None
