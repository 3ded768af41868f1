"""One thread for every test of the core: they are small, and other work goes on at the same time."""

from __future__ import annotations

import torch

torch.set_num_threads(1)
