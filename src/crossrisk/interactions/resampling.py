"""Resamples of whole units: how often each is drawn, and BCa limits of what is computed from the draws.

A draw is a row of multiplicities, so that whatever is a sum over units is a matrix product. The draws are a function of
the number of units, the number of draws and the seed alone; they are kept, since the cells of a study share them.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from crossrisk.interactions.paired import Interval, normal_quantile

Floats = NDArray[np.float64]
Counts = NDArray[np.uint8]

DRAWS = 2_000
TIE = 1e-12  # draws that differ by no more are the same value, summed in another order
POISSON_FROM = 1_000
_TILE, _TILE_UNITS = 100, 4_096  # draws and units whose counts are made at once and kept, a byte each
_CHUNK = 2**17  # as numbers of eight bytes they stay in the cache, and their memory is used again


def multiplicities(units: int, draws: int = DRAWS, seed: int = 0) -> Iterator[Counts]:
    """How often each unit is in each bootstrap sample, in chunks of (some draws, units).

    Fewer than 1,000 units: multinomial, every sample has as many units as the data. More: independent Poisson counts of
    mean 1, whose total varies; a ratio of sums then has a variance larger by a share of about 1 / units. Hanley,
    MacGibbon (2006), Computer Methods and Programs in Biomedicine 83:57; Chamandy et al. (2012), Estimating uncertainty
    for massive data streams, Google.
    """
    rows = max(1, _CHUNK // units)
    for block in _blocks(units, draws, seed):
        for start in range(0, len(block), rows):
            yield block[start : start + rows, :units]


def resampled_sums(columns: Floats, draws: int = DRAWS, seed: int = 0) -> Floats:
    """Sums of each column (units, k) in every bootstrap sample of units: (draws, k)."""
    columns = np.asfortranarray(columns)
    found = np.empty((draws, columns.shape[1]))
    done = 0
    for counts in multiplicities(len(columns), draws, seed):
        weights = counts.astype(np.float64)
        for k in range(columns.shape[1]):
            found[done : done + len(weights), k] = weights @ columns[:, k]
        done += len(weights)
    return found


def bca(drawn: Floats, left_out: Floats, observed: float, reaches: Sequence[float]) -> list[Interval]:
    """Bias-corrected and accelerated limits at normal quantiles -reach and +reach, one interval a reach.

    drawn: the figure in each resample. left_out: the figure without each unit (or group of units) in turn, whose
    skewness is the acceleration. reach: z, or Hesterberg's expanded t in its place. Degenerate: no spread among
    `left_out`, no acceleration. Efron (1987), JASA 82:171.
    """
    from scipy.special import ndtr

    below = (np.count_nonzero(drawn < observed - TIE) + np.count_nonzero(drawn <= observed + TIE)) / 2
    bias = normal_quantile(min(max(below, 0.5), len(drawn) - 0.5) / len(drawn))
    pull = left_out.sum() / max(len(left_out), 1) - left_out
    spread = float((pull**2).sum())
    acceleration = float((pull**3).sum() / (6 * spread**1.5)) if spread > 0 else 0.0
    levels = []
    for z in (bias + side * reach for reach in reaches for side in (-1, 1)):
        squeeze = 1 - acceleration * z
        # Past the pole of the correction the level has left [0, 1] on the side of z.
        levels.append(float(ndtr(bias + z / squeeze)) if squeeze > 0 else float(z > 0))
    limits = np.quantile(drawn, levels).tolist()
    return [Interval(*pair) for pair in zip(limits[::2], limits[1::2], strict=True)]


def _blocks(units: int, draws: int, seed: int) -> Iterator[Counts]:
    if units < POISSON_FROM:
        yield _multinomial(units, draws, seed)
        return
    for start in range(0, draws, _TILE):
        tiles = [_poisson_tile(start, left, seed) for left in range(0, units, _TILE_UNITS)]
        yield np.concatenate(tiles, axis=1)[: draws - start]


@lru_cache(maxsize=32)
def _multinomial(units: int, draws: int, seed: int) -> Counts:
    drawn = np.random.default_rng(seed).integers(0, units, (draws, units))
    drawn += units * np.arange(draws)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=units * draws).astype(np.uint8).reshape(draws, units)
    counts.flags.writeable = False  # it is kept, and parts of it are handed out
    return counts


@lru_cache(maxsize=256)
def _poisson_tile(first_draw: int, first_unit: int, seed: int) -> Counts:
    """Poisson counts of mean 1 for some draws and units, their probabilities to 2^-16."""
    from scipy.special import pdtr

    chance = np.random.default_rng((seed, first_draw, first_unit)).integers(
        0, 2**16, (_TILE, _TILE_UNITS), dtype=np.uint16
    )
    counts = np.zeros(chance.shape, dtype=np.uint8)
    for at_most in np.rint(pdtr(np.arange(8), 1.0) * 2**16).astype(np.uint16):
        counts += chance >= at_most
    return counts
