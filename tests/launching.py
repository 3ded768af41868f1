"""Processes that `torchrun` starts."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parent
TIMEOUT = 120  # seconds


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def torchrun(*arguments: object) -> subprocess.Popen:
    """An agent of `torchrun`, on one thread a process."""
    search = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    environment = os.environ | {"PYTHONPATH": search, "OMP_NUM_THREADS": "1"}
    line = [sys.executable, "-m", "torch.distributed.run", *map(str, arguments)]
    return subprocess.Popen(line, env=environment, stderr=subprocess.PIPE, text=True)


def ended(*running: subprocess.Popen) -> list[str]:
    """What they said on stderr, once all have ended well."""
    try:
        said = [one.communicate(timeout=TIMEOUT)[1] for one in running]
    finally:
        for one in running:
            one.kill()
    assert [one.returncode for one in running] == [0] * len(running), said
    return said
