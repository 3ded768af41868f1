"""What all tests share."""

from __future__ import annotations

from hypothesis import settings

# A slow machine is not a failure, and a failure must come back on the next run.
settings.register_profile("musicae", deadline=None, derandomize=True)
settings.load_profile("musicae")
