"""The numbers behind a limit: a figure with its interval, and how surely it is beyond a limit."""

from collections.abc import Callable
from dataclasses import dataclass

from crossrisk.interactions.gate.cells import Cell, Group, Row
from crossrisk.interactions.paired import normal_quantile, wilson

Tokens = Callable[[str, str], tuple[float, float]]  # two files of outcomes -> mean tokens a sample, 0 if not known
ROUNDING = 1e-9  # files hold ten digits; a figure at its limit keeps it


@dataclass(frozen=True)
class Estimate:
    """A figure, its interval at level 1 - alpha (None where there is none), and p of 0 where that was tested.

    spread: what one whole risk is worth on the figure's scale, 0 where lost replies are no matter.
    """

    value: float
    low: float | None
    high: float | None
    alpha: float
    p: float | None = None
    spread: float = 0.0

    def exceeds(self, limit: float) -> float:
        """Two-sided p of the figure being equal to a limit that it exceeds; 1 where it does not exceed it.

        At limit 0 the p of the cell's own test. Elsewhere read off the interval: its lower arm is taken for
        z(1 - alpha/2) standard errors, so that p < alpha exactly where the interval lies beyond the limit; above 0 it
        is at least the p at 0. An approximation wherever the interval is not normal, as exact as the interval at
        p = alpha. Altman, Bland (2011), BMJ 343:d2304. Degenerate: no interval, 1; an interval that is a point, 0.
        """
        from scipy.special import ndtr

        if self.low is None or self.value <= limit + ROUNDING:
            return 1.0
        least = self.p if limit >= 0 and self.p is not None else 0.0  # beyond a rise lies beyond none
        if limit == 0 and self.p is not None:
            return self.p
        arm = self.value - self.low
        z = normal_quantile(1 - self.alpha / 2)
        return max(least, 2.0 * float(ndtr(-(self.value - limit) * z / arm)) if arm > 0 else 0.0)

    def at(self, alpha: float) -> "Estimate":
        """The same with an interval at another level: both arms stretched by the ratio of normal quantiles."""
        if self.low is None or self.high is None or alpha == self.alpha:
            return self
        stretch = normal_quantile(1 - alpha / 2) / normal_quantile(1 - self.alpha / 2)
        low, high = self.value - (self.value - self.low) * stretch, self.value + (self.high - self.value) * stretch
        return Estimate(self.value, low, high, alpha, self.p, self.spread)

    def high_despite(self, lost: float) -> float | None:
        """The upper limit if every reply that the defense broke had become as risky as can be.

        lost: the share of such replies. As in `effect.despite_lost`: (1 - lost) * high + lost.
        """
        return None if self.high is None else (1 - lost) * self.high + lost * self.spread


def estimate(cell: Cell, group: Group | None, figure: str, alpha: float) -> Estimate | None:
    """A limited figure of a measured cell or of a group in it; None where it does not exist.

    alpha: the study's, at which its intervals are. `improves_by` and `worsens` are of the change, `delta`. The interval
    of `defended` is Wilson's; of a cell, whose files do not hold it, on the number of clusters, as though each were one
    prompt: exact for independent prompts, conservative for clusters of one size. There is none for a figure that is
    no mean of risks (it has no effect size), nor where a stopping rule chose how many were asked.
    """
    row = cell.row if group is None else cell.groups.get(group, {})
    if figure in ("delta", "improves_by", "worsens"):
        return _read(row, "delta", "ci", alpha, p=row.get("p"), spread=1.0)
    if figure == "rcr":
        return _read(row, "rcr", "rcr", alpha, p=row.get("p"), spread=1 / (row.get("base") or 1.0))
    if figure == "gap_change":
        return _read(row, "gap_change", "gap_change", alpha, p=row.get("gap_change_p"), spread=2.0)
    value = row.get("defended")
    if group is not None or value is None or row["effect_size"] is None or row.get("estimand"):
        return _read(row, "defended", "defended", alpha, spread=1.0)
    low, high = wilson(value * row["clusters"], row["clusters"], alpha=alpha)
    return Estimate(value, low, high, alpha, spread=1.0)


def measured(cell: Cell, figure: str, tokens: Tokens) -> float | None:
    """A figure of this run alone, without an interval; None where it is not known.

    The share of the defended arm's replies that are invalid, the growth of tokens or of seconds a sample. Cells that
    came out of the cache took no time, so that their seconds are not known.
    """
    if figure == "invalid":
        invalid = cell.row["invalid_defended"]
        return None if invalid is None else invalid / cell.asked
    before, after = cell.seconds
    if figure == "tokens":
        base, defended = cell.files
        before, after = (0.0, 0.0) if base is None or defended is None else tokens(base, defended)
    return after / before - 1 if before > 0 and after > 0 else None


def _read(row: Row, value: str, limits: str, alpha: float, *, spread: float, p: float | None = None) -> Estimate | None:
    if row.get(value) is None:
        return None
    return Estimate(row[value], row.get(f"{limits}_low"), row.get(f"{limits}_high"), alpha, p, spread)
