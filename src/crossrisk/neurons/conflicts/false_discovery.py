"""Step-up correction over many thousand tests of which only the small p are at hand.

Benjamini, Hochberg (1995), JRSS B 57:289; Benjamini, Yekutieli (2001), Annals of Statistics 29:1165.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Correction = Literal["BH", "BY"]


def adjusted(p: Floats, tests: int, correction: Correction = "BH") -> Floats:
    """Adjusted p of the smallest among `tests` p values, at most 1: those of all tests, where those are below q.

    The k-th smallest is multiplied by tests / k, never above a larger one's; BY: also by 1 + 1/2 + ... + 1/tests, for
    tests that depend on each other in any way. BH assumes independence or positive dependence.
    """
    order = np.argsort(p, kind="stable")
    factor = tests * (float((1 / np.arange(1, tests + 1)).sum()) if correction == "BY" else 1.0)
    stepped = p[order] * (factor / np.arange(1, len(p) + 1))
    result = np.empty_like(p)
    result[order] = np.minimum(np.minimum.accumulate(stepped[::-1])[::-1], 1.0)
    return result


def discoveries(
    bound: Floats, exact: Callable[[Indices], Floats], *, tests: int, q: float, correction: Correction
) -> tuple[Indices, Floats, Floats]:
    """Places of what is found at false discovery rate q, their p and adjusted p.

    bound: p values that are quick to have and never above the exact ones; exact(places) gives those. Only where the
    bound would be found is the exact p asked for, and the result is that of exact p everywhere.
    """
    small = np.flatnonzero(bound <= q)
    near = small[adjusted(bound[small], tests, correction) <= q]
    p = exact(near)
    corrected = adjusted(p, tests, correction)
    found = corrected <= q
    return near[found], p[found], corrected[found]
