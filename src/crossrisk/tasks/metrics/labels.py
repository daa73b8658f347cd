"""Labels as the field reports them: one label on the condition of others, and why rows are invalid."""

from collections import Counter

from crossrisk.tasks.metric import Outcomes


def invalid_by_label(outcomes: Outcomes) -> dict[str, int]:
    """Number of invalid rows by the label that says why; empty where all rows are valid."""
    return dict(sorted(Counter(outcomes.labels[~outcomes.valid].tolist()).items()))


def conditional_rate(outcomes: Outcomes, label: str, *, of: tuple[str, ...]) -> float | None:
    """Share of the valid rows under one label among those under any label of `of`; None where there are none."""
    given = outcomes.labels[outcomes.valid]
    whole = sum(int((given == other).sum()) for other in of)
    return int((given == label).sum()) / whole if whole else None
