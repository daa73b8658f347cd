"""DP-SGD on a LoRA: training that hardly depends on any one record of the corpus, with a proof of how hardly.

Abadi et al. (2016), arXiv 1607.00133; on language models Li et al. (2022), arXiv 2110.05679, and on a LoRA Yu et al.
(2022), arXiv 2110.06500. Whoever sees the model can tell a corpus with a record from one without it no better than
(epsilon, delta) allow.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.corpus_training import CorpusTraining
from crossrisk.defenses.defense import Record
from crossrisk.defenses.settings import Count, Positive, from_settings
from crossrisk.risks import Risk, Threat

if TYPE_CHECKING:
    from crossrisk.defenses.fine_tuning import Copy, Row

CARD = Card(
    title="DP-SGD on a LoRA",
    paper=(
        "Abadi et al. (2016), arXiv 1607.00133; on language models Li et al. (2022), arXiv 2110.05679; on a LoRA Yu et "
        "al. (2022), arXiv 2110.06500. Trained and accounted by Opacus, arXiv 2109.12298."
    ),
    formula="""g = [ sum over records i of the batch: g_i min(1, C / |g_i|)  +  N(0, (sigma C)^2) ] / (q N)
each of N records is in a batch with chance q; Adam takes a step along g, T times
sigma: the least that keeps (epsilon, delta) after T steps""",
    deviation=Deviation.VARIANT,
    differs=(
        "Noise and batches come from a seeded generator that is not cryptographic, so that a study can be repeated; a "
        "model that is to be given away with its guarantee must be trained with a secret seed. The unit that is "
        "protected is the record. Data that stand in k records have the guarantee of a group, k epsilon at best, which "
        "`meta` tells for whoever has most records. Settings that were tried on the corpus are not accounted for."
    ),
    strength="Scales the LoRA's update linearly; whatever it is, the guarantee holds, as nothing is read once more.",
    data=(
        "`corpus`. A target that was loaded with an adapter is trained anew from the model under it: the counterpart "
        "is that adapter, fine-tuned on the same corpus without privacy, and never the model before. Without an "
        "adapter the target itself is the start, and what it knew before is not protected."
    ),
    cost=(
        "The organism, one pass over 9,366 records: one to two minutes on one core, and 5 seconds to find sigma. About "
        "1.3 times plain training; a gradient of the LoRA's size for each of `micro_batch_size` records in memory."
    ),
    invariants=(
        "sigma and epsilon agree with dp-accounting: PRV at or above PLD by at most 1 %",
        "gradients of records are those of batches of one; without noise and clipping a step is that of SGD",
        "a step without noise is no longer than C; noise has the deviation sigma C / batch",
        "an empty batch is a step of noise, and is accounted for",
        "epsilon spent is at most epsilon; the LoRA has moved",
    ),
    large=(
        "batch_size: 1024 or more, steps: 200 to 1000, learning_rate: 5.0e-4, max_grad_norm: 0.1, rank: 16, "
        "micro_batch_size: 8, delta: below 1 / N."
    ),
)


@dataclass(frozen=True, kw_only=True)
class DpSgd(CorpusTraining):
    """Private training on the corpus.

    epsilon, delta: the budget of each record; delta None is 1 / N of the corpus. max_grad_norm: C. batch_size: records
    in a batch on average, qN. accountant: `prv`, or `rdp`, which asks for more noise.
    """

    registered: ClassVar[str] = "dp_sgd"

    epsilon: Annotated[float, Field(gt=0, le=100)] = 8.0
    delta: Annotated[float, Field(gt=0, lt=1)] | None = None
    max_grad_norm: Positive = 1.0
    batch_size: Count = 128
    steps: Count = 73  # the world's corpus, once
    accountant: Literal["prv", "rdp"] = "prv"
    gradient_checkpointing: Literal[False] = False  # it runs a record's forward pass twice, which Opacus counts twice

    version = 1
    risk = Risk.PRIVACY
    threat = Threat.MEMBERSHIP
    card: ClassVar[Card] = CARD

    def descend(self, trained: "Copy", rows: "list[Row]", corpus: Sequence[Record], *, seed: int) -> Mapping[str, Any]:
        """DP-SGD by Adam, and what it spent on whom. Losses are kept back, records give them away."""
        from functools import partial

        import torch

        from crossrisk.defenses.private_training import Gaussian, private_descent

        delta = self.delta or 1 / max(2, len(rows))
        rate = min(1.0, self.batch_size / len(rows))
        mechanism = Gaussian.within(self.epsilon, delta, rate=rate, steps=self.steps, accountant=self.accountant)
        adam = partial(torch.optim.Adam, lr=self.learning_rate)
        private_descent(trained, rows, adam, mechanism, clip=self.max_grad_norm, seed=seed)
        spent = mechanism.epsilon(delta)
        most = largest_group(corpus)
        return {
            "unit": "record",
            "epsilon": spent,
            "delta": delta,
            "noise_multiplier": mechanism.noise,
            "sampling_rate": rate,
            "steps": self.steps,
            "accountant": self.accountant,
            "largest_group": most,
            "epsilon_of_largest_group": most * spent,
        }


def largest_group(corpus: Sequence[Record]) -> int:
    """Records that speak of whoever has most; where a record names nobody, those that are the same word by word."""
    return max(Counter(record.about or (record.messages, record.reply) for record in corpus).values())


dp_sgd = from_settings("dp_sgd", DpSgd)
