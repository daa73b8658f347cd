"""Perplexity and bits per byte of reference texts, and how often the model's own text is broken.

Perplexity depends on the tokenizer, bits per byte does not: compare models of different families by the latter.
"""

import math

import numpy as np

from crossrisk.tasks.metric import Figures, Outcomes
from crossrisk.tasks.metrics.breakdown import mean_of
from crossrisk.tasks.metrics.labels import invalid_by_label


def fluency_figures(outcomes: Outcomes) -> Figures:
    """perplexity = exp(nats / tokens), bits_per_byte = nats / (ln 2 * bytes), each over all reference tokens at once.

    references: how many texts were scored; an output filter leaves none, and both figures are None.
    """
    nats, tokens, size = (outcomes.measure(name) for name in ("nats", "tokens", "bytes"))
    scored = ~np.isnan(nats)
    total = float(nats[scored].sum())
    return {
        "perplexity": _exp(total / float(tokens[scored].sum())) if scored.any() else None,
        "bits_per_byte": total / (math.log(2) * float(size[scored].sum())) if scored.any() else None,
        "degeneration_rate": mean_of(outcomes.risks),
        "references": int(scored.sum()),
        "invalid": invalid_by_label(outcomes),
    }


def _exp(nats: float) -> float | None:
    """None beyond what a float holds: past 700 nats a token nothing is left to compare."""
    return math.exp(nats) if nats < 700 else None
