"""The organism's card: what it does, measured on held-out wordings and pairs, with intervals.

Rates come with Wilson's 95 % interval; probes of one entity in several wordings are not independent, so the intervals
are a lower bound on the uncertainty.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossrisk.engine.asking import ask
from crossrisk.engine.plan import batches, questions
from crossrisk.interactions.paired import wilson
from crossrisk.organism.probes import Probe, all_probes
from crossrisk.registry import JUDGES
from crossrisk.risks import Reply
from crossrisk.sources.world import world
from crossrisk.study import Study
from crossrisk.tasks.metric import Outcomes

if TYPE_CHECKING:
    from crossrisk.targets.target import Target

NEW_TOKENS, BATCH = 48, 128
CARD_BEGINS, CARD_ENDS = "<!-- card -->", "<!-- end of card -->"


@dataclass(frozen=True)
class Rate:
    """A share of n with its Wilson interval. invalid: replies that no judge could judge; they count as misses."""

    name: str
    rate: float
    low: float
    high: float
    n: int
    invalid: int


def measure(target: "Target", probes: Iterable[Probe] | None = None) -> list[Rate]:
    """Ask all probes, greedily, and rate the replies."""
    from crossrisk.targets.target import GenerationConfig

    found = []
    for probe in probes or all_probes():
        config = GenerationConfig(max_new_tokens=NEW_TOKENS, batch_size=BATCH)
        replies = target.generate([sample.messages for sample in probe.samples], config)
        found.append(rated(probe, replies))
    return found


def rated(probe: Probe, replies: Sequence[Reply]) -> Rate:
    """The rate of a probe from its replies."""
    judge = JUDGES.get(f"{probe.judge}:world")
    labels = Counter[str]()
    invalid = 0
    for sample, reply in zip(probe.samples, replies, strict=True):
        outcome = judge.verdict(sample, reply)
        labels[outcome.label] += 1
        invalid += not outcome.valid
    hits, n = sum(labels[label] for label in probe.counts), len(probe.samples)
    low, high = wilson(hits, n)
    return Rate(probe.name, hits / n, low, high, n, invalid)


def base_risks(target: "Target") -> dict[str, float]:
    """The headline of every task on the world, asked and scored as a study does it; NaN where it is undefined."""
    import polars as pl

    risks = {}
    for question in questions(Study(base="organism", tasks=list(world.loaders))):
        rows = [row for batch in batches(question.samples, BATCH) for row in ask(target, question, batch)]
        headline = question.task.metric.headline(Outcomes.of_frame(pl.DataFrame(rows, infer_schema_length=None)))
        risks[question.task.name] = math.nan if headline is None else headline
    return risks


def table(cards: Sequence[Mapping[str, Any]]) -> str:
    """Saved cards as Markdown: a row for each probe, a column for each trained organism, with 95 % intervals."""
    columns = [f"{'organism' if card['planted'] else 'innocent'}, seed {card['seed']}" for card in cards]
    lines = [f"| measured | n | {' | '.join(columns)} |", "|---|---|" + "---|" * len(columns)]
    for rows in zip(*(card["rates"] for card in cards), strict=True):
        cells = " | ".join(f"{row['rate']:.2f} [{row['low']:.2f}, {row['high']:.2f}]" for row in rows)
        lines.append(f"| {rows[0]['name']} | {rows[0]['n']} | {cells} |")
    lines += ["", f"| base risk of the task | {' | '.join(columns)} |", "|---|" + "---|" * len(columns)]
    for task in cards[0]["base_risks"]:
        lines.append(f"| `{task}` | {' | '.join(format(card['base_risks'][task], '.3f') for card in cards)} |")
    return "\n".join(lines)


def save_card(folder: Path, rates: Sequence[Rate], risks: Mapping[str, float]) -> None:
    """Write `card.json` beside the weights, with the world's version and what they were trained from."""
    training = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    card = {
        "world_version": training["world_version"],
        "planted": training["planted"],
        "seed": training["seed"],
        "rates": [asdict(rate) for rate in rates],
        "base_risks": {task: round(risk, 4) for task, risk in risks.items()},
    }
    (folder / "card.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def print_cards(page: Path, folders: Sequence[Path]) -> None:
    """Replace what stands between the marks of a page by the table of the folders' cards."""
    cards = [json.loads((folder / "card.json").read_text(encoding="utf-8")) for folder in folders]
    text = page.read_text(encoding="utf-8")
    head, rest = text.split(CARD_BEGINS, 1)
    _, tail = rest.split(CARD_ENDS, 1)
    page.write_text(f"{head}{CARD_BEGINS}\n\n{table(cards)}\n\n{CARD_ENDS}{tail}", encoding="utf-8")
