"""The distribution of a sum whose terms take either sign by chance: exact, by saddlepoint, or drawn.

p is two-sided, P(|sum of +-terms| >= observed), and never 0.
"""

import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_TO_ENUMERATE = 13
FEWEST_FOR_SADDLEPOINT = 64
_LARGEST_SHARE = 0.25  # of the sum of squares, that one term may have
_NEAR = 0.1  # standard deviations, within which the saddlepoint formula is 0 / 0
_MOST_WORK = 2**24
_SILENT = 1e-30  # share of the spectrum that is lost in rounding anyway
_CHUNK = 2**18


def sign_flip_p(totals: Floats, *, draws: int = 9_999, seed: int = 0) -> float:
    """P(|sum of +-totals| >= |sum of totals|), every sign vector being equally likely.

    Exact where the totals are multiples of one step (yes-or-no outcomes, scales of a few levels) or where at most 13
    are not 0; by saddlepoint from 64 on, unless one of them rules the sum; else `draws` sign vectors from a fixed
    seed, p = (1 + exceedances) / (1 + draws). The order of the totals does not matter. All 0: p = 1.
    """
    totals = np.round(totals, 10)  # sums of the same differences in another order are the same sums
    totals = totals[totals != 0]
    terms = np.sort(np.abs(totals))
    # Sums that differ by rounding alone are ties, and a tie exceeds.
    reach = abs(float(np.sort(totals).sum())) - 1e-9 * max(1.0, float(terms.sum()))
    if reach <= 0:
        return 1.0
    step = common_step(terms)
    if step is not None:
        exact = _lattice_p(_Terms.of(np.rint(terms / step)), abs(float(np.rint(totals / step).sum())))
        if exact is not None:
            return exact
    if len(terms) <= MOST_TO_ENUMERATE:
        signs = 1.0 - 2.0 * ((np.arange(2 ** len(terms))[:, None] >> np.arange(len(terms))) & 1)
        return float(np.mean(np.abs(signs @ terms) >= reach))
    if len(terms) >= FEWEST_FOR_SADDLEPOINT and not _ruled_by_few(terms):
        return saddlepoint_p(terms, reach)
    rng = np.random.default_rng(seed)
    exceeding, rows = 0, max(1, _CHUNK // len(terms))
    for start in range(0, draws, rows):
        shape = (min(rows, draws - start), len(terms))
        ups = rng.integers(0, 2, shape, dtype=np.int8).astype(np.float64) @ terms
        exceeding += int(np.count_nonzero(np.abs(2.0 * ups - terms.sum()) >= reach))
    return (1 + exceeding) / (1 + draws)


def saddlepoint_p(terms: Floats, observed: float) -> float:
    """P(|sum of +-terms| >= observed) by the saddlepoint approximation of Lugannani and Rice.

    Its relative error falls as 1 / n and stays small far out in the tail. Within 0.1 standard deviations of 0, where it
    is 0 / 0, the normal limit takes its place. Held between 2^(1 - n), the chance of the outermost value, and
    Chernoff's bound. Assumes that no term rules the sum, and terms that are no multiples of one step.
    Robinson (1982), JRSS B 44:91; Lugannani, Rice (1980), Advances in Applied Probability 12:475.
    """
    from scipy.special import ndtr

    floor = _outermost(len(terms))
    if observed >= terms.sum():
        return floor
    spread = float((terms**2).sum() ** 0.5)
    if observed < _NEAR * spread:
        return min(1.0, 2.0 * float(ndtr(-observed / spread)))
    weighed = _Terms.of(terms)
    tilt = weighed.tilt(observed)
    root = (2.0 * max(tilt * observed - weighed.log_mean(tilt), 0.0)) ** 0.5
    density = np.exp(-(root**2) / 2) / (2 * np.pi) ** 0.5
    tail = float(ndtr(-root) + density * (1 / (tilt * weighed.variance(tilt) ** 0.5) - 1 / root))
    return max(floor, min(1.0, 2 * tail, 2 * float(np.exp(-(root**2) / 2))))


def common_step(terms: Floats) -> float | None:
    """The largest step of which all terms are multiples, but for rounding; None where none is found.

    Euclid's algorithm with the nearest multiple, so that the step at least halves each time.
    """
    step = float(terms.min())
    while float(terms.sum()) / step < 2**26 and step > 1e-6:
        rest = np.abs(terms - np.rint(terms / step) * step)
        rest = rest[rest > 1e-9]
        if len(rest) == 0:
            return step
        step = float(rest.min())
    return None


@dataclass(frozen=True)
class _Terms:
    """Different terms and how often each occurs, with the cumulant generating function of their signed sum."""

    value: Floats
    count: Floats

    @classmethod
    def of(cls, terms: Floats) -> "_Terms":
        value, count = np.unique(terms, return_counts=True)
        return cls(value, count.astype(np.float64))

    def log_mean(self, tilt: float) -> float:
        """Log of the mean of exp(tilt * sum); log cosh, without overflow."""
        reach = tilt * self.value
        return float(self.count @ (reach + np.log1p(np.exp(-2 * reach)) - np.log(2.0)))

    def mean(self, tilt: float) -> float:
        return float(self.count @ (self.value * np.tanh(tilt * self.value)))

    def variance(self, tilt: float) -> float:
        reach = np.exp(-2 * tilt * self.value)
        return float(self.count @ (4 * self.value**2 * reach / (1 + reach) ** 2))

    def tilt(self, target: float) -> float:
        """Where the tilted mean is `target`, above 0 and below the sum of all terms.

        Newton's method from below: the mean is concave in the tilt, so every step falls short and none overshoots.
        """
        tilt = target / float(self.count @ self.value**2)
        for _ in range(200):
            change = (target - self.mean(tilt)) / self.variance(tilt)
            tilt += change
            if change <= 1e-12 * tilt:
                break
        return tilt


def _outermost(terms: int) -> float:
    """2^(1 - n), the chance that all terms have one sign; past what a float holds, the least that it holds."""
    return max(float(np.ldexp(1.0, 1 - terms)), sys.float_info.min)


def _ruled_by_few(terms: Floats) -> bool:
    """Whether one term has much of the variance, or one value so much that the sum is all but a lattice of it."""
    squares = terms**2
    value, count = np.unique(np.round(terms, 9), return_counts=True)
    common = float(value[count.argmax()])
    others = float(squares[np.abs(terms - common) > 1e-8].sum())
    return float(squares.max()) > _LARGEST_SHARE * float(squares.sum()) or others < common**2


def _lattice_p(terms: _Terms, observed: float) -> float | None:
    """P(|sum of +-terms| >= observed) of whole numbers; None where that is too much work.

    The sum is 2 u less all terms, u being the sum of those with a plus. The distribution of u, tilted by exp(tilt * u)
    so that its mean is the smallest u in the tail, is had from its characteristic function. It lies within half a
    window of its mean but for 1e-30 (Hoeffding), so no longer a transform is needed, and the tail is exact to rounding
    in relative terms, however small it is. Keich (2005), J Comput Biol 12:416; Hoeffding (1963), JASA 58:13.
    """
    everything = float(terms.count @ terms.value)
    first = (observed + everything) / 2
    fewest = _outermost(int(terms.count.sum()))
    if first >= everything:
        return fewest
    half = int(min(everything, np.ceil(6 * float(terms.count @ terms.value**2) ** 0.5))) + 1
    if half * len(terms.value) > _MOST_WORK:
        return None
    tilt = 2 * terms.tilt(observed)
    turns = np.exp(np.arange(2 * half) * (1j * np.pi / half))
    frequency, transform = np.arange(half + 1), np.ones(half + 1, dtype=np.complex128)
    for place in np.argsort(-terms.count, kind="stable"):
        up = 1 / (1 + np.exp(-tilt * terms.value[place]))
        turned = turns[frequency * int(terms.value[place]) % (2 * half)]
        transform = transform * (1 - up + up * turned) ** int(terms.count[place])
        heard = np.abs(transform) > _SILENT
        frequency, transform = frequency[heard], transform[heard]
    spectrum = np.zeros(half + 1, dtype=np.complex128)
    spectrum[frequency] = np.conj(transform)
    tilted = np.fft.irfft(spectrum, 2 * half)
    above = np.arange(min(half, everything - first + 1))
    tail = np.maximum(tilted[(int(first) + above.astype(np.intp)) % (2 * half)], 0.0) @ np.exp(-tilt * above)
    log_scale = terms.log_mean(tilt / 2) + tilt * (everything / 2 - first)
    return min(1.0, max(2 * float(tail) * float(np.exp(log_scale)), fewest))
