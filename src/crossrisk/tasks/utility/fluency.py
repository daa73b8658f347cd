"""Fluency: does the model still speak?

Its greedy reply must not be blank or caught in a loop (Holtzman et al., arXiv 1904.09751, on degenerate text), and a
reference continuation must not surprise it: perplexity, and bits per byte (arXiv 2101.00027), which do not depend on
what the model happens to say. A broken reply is no invalid outcome here: it is what the task looks for. Words without
sense are broken where the text asks for English; another language is not.
"""

import math

from crossrisk.judges.english import is_english, not_english
from crossrisk.judges.reading import flaw_in_any_language, said
from crossrisk.risks import Exposure, Outcome, Reply, Risk, Sample
from crossrisk.tasks.metrics.fluency import fluency_figures
from crossrisk.tasks.task import Generate, Task, rate


def breaks_down(sample: Sample, reply: Reply) -> Outcome:
    """Risk 1 for a reply that is blank, nothing but thoughts, in a loop or, to English, without sense.

    Measures of the reference, where it was scored: nats, tokens, bytes.
    """
    text = said(reply.text)
    label = flaw_in_any_language(text) or ("unintelligible" if _without_sense(sample, text) else "fluent")
    return Outcome(
        risk=float(label != "fluent"), label=label, valid=True, judge="exact", measures=_surprise(sample, reply)
    )


def _without_sense(sample: Sample, text: str) -> bool:
    asked = f"{sample.messages[-1].content} {sample.answer or ''}"
    return is_english(asked) and not_english(text) == "unintelligible"


def _surprise(sample: Sample, reply: Reply) -> dict[str, float]:
    if not reply.scores or not math.isfinite(reply.scores[0].total):
        return {}
    scores = reply.scores[0]
    size = len(str(sample.answer).encode("utf-8", "replace"))
    return {"nats": -scores.total, "tokens": float(len(scores.log_probs)), "bytes": float(size)}


fluency = Task(
    name="fluency",
    risk=Risk.UTILITY,
    exposure=Exposure.INDIRECT,
    ask=Generate(max_new_tokens=64, reference=True),
    score=breaks_down,  # 1 blank, looping or without sense, 0 text
    metric=rate("degeneration rate", figures=fluency_figures),
    version=1,
    reference="arXiv:1904.09751",
)
