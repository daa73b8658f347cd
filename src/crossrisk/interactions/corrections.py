"""Many comparisons at once: Holm within the declared family, Benjamini-Hochberg elsewhere."""

from collections.abc import Sequence
from typing import Literal

Method = Literal["holm", "fdr_bh"]


def holm(p: Sequence[float | None]) -> list[float | None]:
    """Adjusted p values that control the chance of any false finding in the family, under any dependence.

    None (no test was made) stays None and does not count. Holm (1979), Scandinavian Journal of Statistics 6:65.
    """
    return _adjusted(p, "holm")


def benjamini_hochberg(p: Sequence[float | None]) -> list[float | None]:
    """Adjusted p values that control the expected share of false findings among the findings.

    Assumes independent or positively dependent tests; tasks that share prompts are so. None stays None and does not
    count. Benjamini, Hochberg (1995), JRSS B 57:289; Benjamini, Yekutieli (2001), Annals of Statistics 29:1165.
    """
    return _adjusted(p, "fdr_bh")


def _adjusted(p: Sequence[float | None], method: Method) -> list[float | None]:
    from statsmodels.stats.multitest import multipletests

    tested = [value for value in p if value is not None]
    if not tested:
        return list(p)
    adjusted = iter(multipletests(tested, method=method)[1])
    return [None if value is None else float(next(adjusted)) for value in p]
