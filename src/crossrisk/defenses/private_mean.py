"""The mean of per-example vectors under differential privacy: clipped, averaged, Gaussian noise on top.

PSA, Goel et al. (2025), arXiv 2501.18532: nobody can tell from a steering vector which examples it was made of. The
noise is that of the analytic Gaussian mechanism, Balle and Wang (2018), arXiv 1805.06530, theorem 8, which holds for
every epsilon; the classical formula does for epsilon < 1 alone.
"""

import math
from typing import TYPE_CHECKING

from scipy.optimize import brentq
from scipy.special import log_ndtr

if TYPE_CHECKING:
    from torch import Generator, Tensor


def noise_multiplier(epsilon: float, delta: float) -> float:
    """Standard deviation of the noise over the L2 sensitivity that gives (epsilon, delta), the smallest there is."""

    def excess(log_sigma: float) -> float:
        sigma = math.exp(log_sigma)
        outside = math.exp(log_ndtr(1 / (2 * sigma) - epsilon * sigma))
        inside = math.exp(epsilon + log_ndtr(-1 / (2 * sigma) - epsilon * sigma))
        return outside - inside - delta

    return math.exp(brentq(excess, -12.0, 25.0, xtol=1e-12))


def clipped(vectors: "Tensor", bound: float) -> "Tensor":
    """Each row [rows, width] scaled down to a norm of at most `bound`."""
    import torch

    scaled: Tensor = vectors * (bound / torch.linalg.vector_norm(vectors, dim=-1, keepdim=True).clamp(min=bound))
    return scaled


def private_mean(vectors: "Tensor", bound: float, *, epsilon: float, delta: float, generator: "Generator") -> "Tensor":
    """The noisy mean of clipped rows [rows, width], float64. Replacing one row moves the mean by at most
    2 bound / rows, which is its sensitivity."""
    import torch

    deviation = noise_multiplier(epsilon, delta) * 2 * bound / len(vectors)
    noise = torch.randn(vectors.shape[-1], generator=generator, dtype=torch.float64)
    return clipped(vectors.double(), bound).mean(dim=0) + deviation * noise
