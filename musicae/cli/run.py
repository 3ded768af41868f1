"""From the command line to the command, and from its errors to a line on stderr."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from itertools import pairwise

from musicae.cli.console import escaped, one_line
from musicae.cli.options import Command
from musicae.errors import ConfigError, Error
from musicae.interruption import stoppable


def main(command: type[Command], name: str, arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, run the command, and end with status 0, or 2 and one line for an error.

    Stopped by Ctrl-C it ends with status 130, by another signal with 128 and its number.

    Args:
        command: the command.
        name: of its module.
        arguments: in place of those of the process.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    options = _parsed(command, name, arguments)
    for stream in (sys.stdout, sys.stderr):  # a file may have any name
        stream.reconfigure(errors="backslashreplace")
    with stoppable() as stops:
        try:
            if "--out=" in arguments or ("--out", "") in pairwise(arguments):  # a Path of nothing is the current folder
                raise ConfigError("--out '': name a file or a folder")
            options.check()
            options.run()
            _flush()
        except BrokenPipeError:  # of `| head`
            _forget_output()
        except BaseException as error:
            if stops.number or isinstance(error, KeyboardInterrupt):  # what it stopped may have turned it into another
                print("interrupted", file=sys.stderr)
                sys.exit(stops.status)
            if options.debug or not isinstance(error, Error | OSError):
                raise
            print(f"error: {one_line(str(error))}", file=sys.stderr)
            _forget_output()
            sys.exit(2)


def _parsed(command: type[Command], name: str, arguments: list[str]) -> Command:
    """The options; the parser's own message, which repeats arguments, is as safe to show as all others."""
    import tyro

    how = {"prog": f"python -m musicae.{name}", "config": (tyro.conf.FlagCreatePairsOff,)}
    shown = [escaped(argument) for argument in arguments]
    if shown != arguments:
        try:
            with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
                return tyro.cli(command, args=arguments, **how)
        except SystemExit:
            pass
    return tyro.cli(command, args=shown, **how)


def _flush() -> None:
    """Print what is waiting to be printed.

    Raises:
        Error: it cannot be printed.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Error(f"the standard output cannot be written: {error.strerror}") from None


def _forget_output() -> None:
    """Let what cannot be printed go nowhere, or Python complains when it ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
