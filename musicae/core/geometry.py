"""Ways through latent space."""

from __future__ import annotations

import torch


def lerp(a: torch.Tensor, b: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """`(1 − t) a + t b` along straight lines.

    Args:
        a: `[..., latent]`.
        b: `[..., latent]`.
        t: places between 0 (a) and 1 (b), `[steps]`; or of each row of `a` and `b`, `[steps, ...]`.

    Returns:
        `[steps, ..., latent]`; the ends are `a` and `b` to the bit.
    """
    t = _beside(t, a).to(a)
    return torch.where(t < 0.5, a + t * (b - a), b - (1 - t) * (b - a))


def slerp(a: torch.Tensor, b: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """Along great circles: `sin((1 − t) ω) / sin ω · a + sin(t ω) / sin ω · b`, ω the angle between a and b.

    Keeps the length of what lies between near that of the ends, where a Gaussian prior has its mass (White 2016).
    Where a and b point the same or opposite ways, or one is zero, there is no such circle and the line is taken: so two
    identical inputs stay identical on the whole way.

    Args: as for `lerp`.
    """
    cosine = torch.nn.functional.cosine_similarity(a.double(), b.double(), dim=-1).clamp(-1, 1)
    omega = torch.acos(cosine).unsqueeze(0).unsqueeze(-1)
    places = _beside(t, a).to(omega)
    sine = omega.sin()
    circle = ((1 - places) * omega).sin() / sine * a + (places * omega).sin() / sine * b
    inner = (
        (places > 0) & (places < 1) & (sine > 1e-4) & ((a != 0).any(-1, keepdim=True) & (b != 0).any(-1, keepdim=True))
    )
    return torch.where(inner, circle.to(a), lerp(a, b, t))


def _beside(t: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
    """Places `[steps, ...]` with as many axes as the path between `a` `[..., latent]` and another has."""
    return t.reshape(*t.shape, *[1] * (a.dim() + 1 - t.dim()))


def grid(side: int, dimensions: int = 2) -> torch.Tensor:
    """A square of `side` × `side` latent vectors at the quantiles of N(0, 1), `[side, side, 2]`: each cell holds the
    same share of the prior's mass.

    Args:
        side: rows and columns.
        dimensions: of the latent space; only a plane can be laid out.
    """
    if dimensions != 2:
        raise ValueError(f"a grid needs 2 latent dimensions, not {dimensions}")
    quantiles = torch.distributions.Normal(0.0, 1.0).icdf((torch.arange(side) + 0.5) / side)
    rows, columns = torch.meshgrid(-quantiles, quantiles, indexing="ij")
    return torch.stack([columns, rows], -1)
