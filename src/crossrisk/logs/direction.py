"""Which way a score points. Logs mostly hold scores of which larger is better; CrossRisk's risks are the reverse."""

from dataclasses import dataclass
from typing import Literal

Larger = Literal["riskier", "better"]

# Shares of correct answers under their usual names in Inspect, lm-eval and elsewhere.
ACCURACIES = frozenset(
    {
        *("acc", "acc_norm", "acc_norm_bytes", "accuracy", "correct", "correctness", "em", "exact", "exact_match"),
        *("f1", "includes", "match", "pass@1"),
    }
)


@dataclass(frozen=True)
class Direction:
    """larger: what a larger score means. because: who says so. fixed: it cannot be another, since these are risks."""

    larger: Larger
    because: str
    fixed: bool = False


def usual_direction(metric: str) -> Direction | None:
    """What the name of a metric says for certain: a share of correct answers, or a risk. None for all other names."""
    name = metric.lower()
    if name in ACCURACIES:
        return Direction("better", f"'{metric}' is a share of correct answers")
    if name == "risk" or name.endswith("_risk"):
        return Direction("riskier", f"'{metric}' is called a risk")
    return None
