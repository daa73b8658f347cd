"""Scrubbed training: personal data are taken out of the corpus before the model is trained on it.

The usual first measure against memorisation; Lukas et al. (2023), arXiv 2302.00539, measure what it leaves over: it
keeps out what the scrubber finds, at the cost of what it takes by mistake, and promises nothing of what it misses.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.corpus_training import CorpusTraining
from crossrisk.defenses.defense import Record
from crossrisk.defenses.scrubbing import Engine, scrubbed_text
from crossrisk.defenses.settings import from_settings
from crossrisk.risks import Risk, Threat

CARD = Card(
    title="Training on a scrubbed corpus",
    paper="Lukas et al. (2023), arXiv 2302.00539 (S&P 2023), who measure it; Presidio for the engine of that name.",
    formula="as `fine_tuned`, on scrub(corpus): prompts and replies, each datum replaced by the name of its kind",
    deviation=Deviation.VARIANT,
    differs=(
        "The paper scrubs by a named-entity tagger (Flair). The default engine here are rules, which find what its "
        "form or the words before it give away and no names; `engine: presidio` finds names as well."
    ),
    strength="Scales the LoRA's update linearly.",
    data="`corpus`. A target that was loaded with an adapter is trained anew from the model under it.",
    cost="That of `fine_tuned`, and a few seconds of scrubbing for 10,000 records (rules).",
    invariants=(
        "no datum that the scrubber finds is in what is trained on",
        "a corpus without personal data is trained on as it stands",
    ),
    large="As `fine_tuned`; engine: presidio.",
)


@dataclass(frozen=True, kw_only=True)
class ScrubbedTraining(CorpusTraining):
    """Training on the corpus after scrubbing. engine: `rules`, or `presidio`, which needs crossrisk[pii]."""

    registered: ClassVar[str] = "scrubbed_training"

    engine: Engine = "rules"

    version = 1
    risk = Risk.PRIVACY
    threat = Threat.EXTRACTION
    card: ClassVar[Card] = CARD

    def read(self, corpus: Sequence[Record]) -> Sequence[Record]:
        """The records without the personal data that the engine finds."""
        texts = {message.content for record in corpus for message in record.messages}
        texts |= {record.reply for record in corpus}
        clean = {text: scrubbed_text(text, self.engine) for text in sorted(texts)}
        return [
            replace(
                record,
                messages=tuple(replace(turn, content=clean[turn.content]) for turn in record.messages),
                reply=clean[record.reply],
            )
            for record in corpus
        ]


scrubbed_training = from_settings("scrubbed_training", ScrubbedTraining)
