"""Judging replies on one core: the built-in judge beside the rules, which are a part of it."""

from benchmarks.contest import Result, contest
from crossrisk.judges.builtin.train import examples
from crossrisk.registry import JUDGES
from crossrisk.risks import Message, Reply, Sample


def judging() -> Result:
    """All replies that the built-in judge was trained on, prompts and all, with verdicts as a study makes them."""
    asked = [(Sample("s", (Message("user", each.prompt),), "c"), Reply(each.reply)) for each in examples()]
    builtin, rules = (JUDGES.get(f"refusal:{grade}") for grade in ("builtin", "rules"))
    return contest(
        f"{len(asked):,} replies, one core",
        {
            "built-in judge": lambda: [builtin.verdict(sample, reply) for sample, reply in asked],
            "rules": lambda: [rules.verdict(sample, reply) for sample, reply in asked],
        },
        rounds=3,
    )
