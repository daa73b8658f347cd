"""Token-distribution decoding with an expert: the first tokens of a reply lean towards one that declines.

The expert is the model with a LoRA fitted by SFT on safe replies. For the first m tokens the lists of the k likeliest
tokens of both grow until they share c of them, S; on S, P = p + alpha (p_expert - p). Afterwards the model goes on
alone, and carries on what was begun. Xu et al. (2024), SafeDecoding, arXiv 2402.08983.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, ClassVar

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.defense import Artifact, Coverage, FitData, Needs
from crossrisk.defenses.fitting import derived_seed, require
from crossrisk.defenses.settings import Configured, Count, NotNegative, Positive
from crossrisk.risks import Mechanism, Risk, Threat

if TYPE_CHECKING:
    from torch import Tensor

    from crossrisk.targets.auxiliary import NextToken
    from crossrisk.targets.target import Target

FLOOR = 1e-8  # probability of a token of S at the least, as in the paper's code

CARD = Card(
    title="Expert decoding",
    paper="Xu et al. (2024), SafeDecoding, arXiv 2402.08983, whose rule is read here for each risk.",
    formula="""k* = min{k : |top_k(p) & top_k(p_expert)| >= c},  S = top_k*(p) & top_k*(p_expert)
P(t) = max(p(t) + alpha (p_expert(t) - p(t)), 1e-8) for t in S, else 0;  renormalised
for the first m tokens of the reply; then p alone""",
    deviation=Deviation.VARIANT,
    differs=(
        "The expert is fitted on the safe replies of the fitting data (paper: the model's own refusals, filtered by a "
        "judge), without dropout. For fairness the safe reply is a correction and no refusal. Raw text, which nobody "
        "asked for a reply to, is continued as it would be anyway."
    ),
    strength="Multiplies alpha; 0 deploys nothing, the model is then not even confined to S.",
    data="`refusals`. The paper's expert was fitted on 36 harmful requests.",
    cost="Fit: SFT of a LoRA. Reply: m more forward passes, the first over the prompt; a second cache until then.",
    invariants=(
        "with an expert that is the model itself, greedy replies stay the same",
        "alpha 0 is the model renormalised on S, alpha 1 the expert on S",
        "|S| >= c, and S is the first that is",
        "from token m on, and for raw text, the distribution is the model's own",
        "the expert's adapter acts nowhere else, others that stand on the model act in both",
    ),
    large="`rank` 16, `lora_alpha` 64 and two passes over the data (the paper's, at 7B), `learning_rate` 2e-4.",
)


@dataclass(frozen=True)
class Decoding(Configured):
    """Decoding with an expert against one risk.

    first_tokens: m, how many tokens of the reply the expert has a say in. common: c, how many tokens S holds at the
    least. alpha: how far the distribution moves towards the expert's; above 1 beyond it. rank, lora_alpha: of the
    expert's LoRA, on every linear layer of the decoder. steps: of its SFT, each on `batch_size` demonstrations.
    """

    risk: Risk
    first_tokens: Count = 2
    common: Count = 5
    alpha: NotNegative = 3.0
    rank: Count = 8
    lora_alpha: Positive = 16.0
    learning_rate: Positive = 1e-3
    batch_size: Count = 16
    steps: Count = 40

    registered: ClassVar[str] = "decoding"
    version = 1
    mechanism = Mechanism.DECODING
    reads_model: ClassVar[bool] = True
    needs = Needs(data=("refusals",), gradients=True)
    covers: ClassVar[frozenset[Coverage]] = frozenset({"generate", "score"})
    card: ClassVar[Card] = CARD

    @property
    def threat(self) -> Threat | None:
        """As a defense of privacy it makes the model decline; what is memorised stays in the weights."""
        return Threat.DISCLOSURE if self.risk is Risk.PRIVACY else None

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Fine-tune the expert; the artifact is its LoRA."""
        from crossrisk.defenses import losses
        from crossrisk.defenses.fine_tuning import Copy, Lora, demonstrations, shuffled

        require(self, target, data, strength)
        if strength == 0:
            return Artifact("nothing")
        drawn = derived_seed(self.name, data.checksum, seed)
        rows = demonstrations(target, data.refusals)
        expert = Copy(target, lora=Lora(self.rank, self.lora_alpha), seed=drawn)

        def loss_of(chosen: list[int]) -> "Tensor":
            batch = expert.batch([rows[i] for i in chosen])
            return losses.negative_log_likelihood(expert.log_probs(batch), batch.reply_tokens)

        batches = list(islice(shuffled(len(rows), self.batch_size, drawn), self.steps))
        seen = expert.descend(batches, loss_of, learning_rate=self.learning_rate)
        adapter = expert.adapter()
        meta = {
            "adapter": dict(adapter.config),
            "alpha": self.alpha * strength,
            "first_tokens": self.first_tokens,
            "common": self.common,
            "loss_first": seen[0],
            "loss_last": seen[-1],
        }
        return Artifact("adapter", adapter.tensors, meta)

    @contextmanager
    def deploy(self, target: "Target", artifact: Artifact) -> "Iterator[Target]":
        """The model with the expert's LoRA on it, which acts inside of the edit alone; taken off again on exit."""
        from crossrisk.targets.adapter import standing_by
        from crossrisk.targets.auxiliary import NextToken
        from crossrisk.targets.user_turn import user_mark

        if artifact.kind == "nothing":
            yield target
            return
        name, meta, mark = f"{self.name}:{artifact.sha256}", artifact.meta, user_mark(target)
        with standing_by(target.model, artifact.tensors, meta["adapter"]) as acting:
            edit = ByExpert(name, NextToken(target), acting, mark, meta["first_tokens"], meta["common"], meta["alpha"])
            # The mark tells that the edit and this very model belong together.
            yield target.with_distribution_edit(edit).with_mark(name)


@dataclass(frozen=True)
class ByExpert:
    """The edit. expert: reads the model, and while `acting` the model with the expert's LoRA. mark: of a user's turn,
    by which a prompt that asks for a reply is told from raw text, which is only continued."""

    fingerprint: str
    expert: "NextToken"
    acting: Callable[[], AbstractContextManager[None]]
    mark: tuple[int, ...]
    first_tokens: int
    common: int
    alpha: float

    def __call__(self, contexts: Sequence[list[int]], log_probs: "Tensor", steps: Sequence[int]) -> "Tensor":
        """The rule for rows whose reply has not begun, or hardly; the others as they are."""
        early = [
            row
            for row, (context, step) in enumerate(zip(contexts, steps, strict=True))
            if step < self.first_tokens and self._is_reply(context[: len(context) - step])
        ]
        if not early:
            self.expert.forget()
            return log_probs
        with self.acting():
            experts = self.expert.log_probs([contexts[row] for row in early], [steps[row] for row in early])
        edited = log_probs.clone()
        for row, expert in zip(early, experts.to(log_probs.device), strict=True):
            edited[row] = towards_expert(log_probs[row], expert, common=self.common, alpha=self.alpha)
        return edited

    def _is_reply(self, prompt: list[int]) -> bool:
        from crossrisk.targets.user_turn import after_mark

        return not self.mark or after_mark(prompt, self.mark) is not None


def towards_expert(base: "Tensor", expert: "Tensor", *, common: int, alpha: float) -> "Tensor":
    """log P of one row, [vocabulary], -inf outside of S; base and expert are log-probabilities."""
    shared = sample_space(base, expert, common)
    p, p_expert = base.exp(), expert.exp()
    moved = (p + alpha * (p_expert - p)).clamp(min=FLOOR) * shared
    return (moved / moved.sum()).log()


def sample_space(base: "Tensor", expert: "Tensor", common: int) -> "Tensor":
    """S as a mask [vocabulary]: the tokens that both lists share when they have grown until they share `common`.

    The list of the k likeliest holds a token when its place is at most k; both do from the later of its places on.
    """
    later = _places(base).maximum(_places(expert))
    enough = later.kthvalue(min(common, len(later))).values
    return later <= enough


def _places(scores: "Tensor") -> "Tensor":
    """The place of each token, 0 for the likeliest; of equals the first in the vocabulary comes first."""
    import torch

    order = scores.sort(descending=True, stable=True).indices
    places = torch.empty_like(order)
    places[order] = torch.arange(len(order), device=order.device)
    return places
