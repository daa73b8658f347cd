"""TSDI: what alignment added to the first tokens of every reply, whatever was asked, is taken off again.

Token-level safety-debiased inference, Vulnerability Mitigation for Safety-Aligned Language Models via Debiasing (2025),
arXiv 2502.02153: alignment makes a model likelier to begin any reply with words that decline. That part of it tells no
harmful request from a harmless one; random prompts show how large it is.
"""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.defense import Artifact, Coverage, Defense, FitData, Needs
from crossrisk.defenses.fitting import derived_seed, require
from crossrisk.defenses.settings import Configured, Count, from_settings
from crossrisk.errors import RequestError
from crossrisk.registry import DEFENSES
from crossrisk.risks import Chat, Mechanism, Message, Risk, Threat

if TYPE_CHECKING:
    from torch import Tensor

    from crossrisk.targets.target import Target

BIAS = "first_tokens.bias"

CARD = Card(
    title="Token-level safety-debiased inference (TSDI)",
    paper="Vulnerability Mitigation for Safety-Aligned Language Models via Debiasing (2025), arXiv 2502.02153",
    formula="""b_i(v) = mean over random prompts x of [log p_safe(v | x, y_<i) - log p(v | x, y_<i)],  y by p_safe
p'(v | x, y_<i) ~ exp(log p_safe(v | x, y_<i) - b_i(v)) for i <= L;  afterwards p_safe""",
    deviation=Deviation.SIMPLIFIED,
    differs=(
        "Built after a description of the paper. The aligned model is made here, by another defense, and the model "
        "before it is the reference (paper: ready checkpoints). Random prompts are made of the tokens of the harmless "
        "prompts (paper: of MMLU) and of their lengths; the replies to them are greedy."
    ),
    strength="That of the alignment; the whole bias of what came out is taken off.",
    data="Those of the alignment, and `retain` for the words of random prompts.",
    cost="The alignment's, and the first tokens of a reply to each random prompt; a reply costs nothing more.",
    invariants=(
        "with an alignment that changes nothing the bias is 0",
        "of an alignment that changes every prompt in the same way nothing is left",
        "from token L on the distribution is the aligned model's",
    ),
    large="`aligned_by` with the settings of its own card, `positions` 10.",
)


@dataclass(frozen=True)
class Debiased(Configured):
    """An alignment against one risk, less its bias.

    aligned_by: the defense that aligns the model: its registered name, or `{name: {setting: value}}`. positions: L.
    prompts: how many random prompts the bias is measured on.
    """

    risk: Risk = Risk.SAFETY
    aligned_by: str | dict[str, dict[str, Any]] = "dpo"
    positions: Count = 3
    prompts: Count = 256

    registered: ClassVar[str] = "tsdi"
    version = 1
    mechanism = Mechanism.DECODING
    reads_model: ClassVar[bool] = True
    covers: ClassVar[frozenset[Coverage]] = frozenset({"generate", "score"})
    card: ClassVar[Card] = CARD

    @property
    def alignment(self) -> Defense:
        """The defense that aligns the model."""
        given = {self.aligned_by: {}} if isinstance(self.aligned_by, str) else self.aligned_by
        if len(given) != 1:
            raise RequestError(f"defense 'tsdi' is aligned by one other defense, got {len(given)}: {', '.join(given)}")
        ((name, settings),) = given.items()
        aligned: Defense = DEFENSES.get(name)(**{"risk": self.risk, **(settings or {})})
        return aligned

    @property
    def settings(self) -> dict[str, Any]:
        """All settings, those of the alignment among them."""
        one = self.alignment
        return {**super().settings, "aligned_by": {one.name: {"version": one.version, **one.settings}}}

    @property
    def needs(self) -> Needs:
        """Those of the alignment, and harmless prompts."""
        needs = self.alignment.needs
        return replace(needs, data=tuple(dict.fromkeys((*needs.data, "retain"))), weights=True)

    @property
    def threat(self) -> Threat | None:
        """That of the alignment."""
        return self.alignment.threat

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Align the model and measure the bias: the artifact is the alignment's, and the bias beside it."""
        require(self, target, data, strength)
        alignment = self.alignment
        aligned = alignment.fit(target, data, seed=seed, strength=strength)
        if aligned.kind == "nothing":
            return aligned
        asked = random_prompts(
            target,
            [shown.messages for shown in data.retain],
            self.prompts,
            derived_seed(self.name, data.checksum, seed),
        )
        with alignment.deploy(target, aligned) as safe:
            if safe.distribution_edits != target.distribution_edits:
                # They act behind the model, where the bias is read: it would be 0, and nothing be taken off.
                raise RequestError(
                    f"defense '{self.name}' cannot be aligned by '{alignment.name}', which changes the distribution "
                    "while decoding: name one that changes the model or its prompt"
                )
            replies, of_safe = _first_tokens(safe, safe.encode_all(asked), None, self.positions)
        _, of_base = _first_tokens(target, target.encode_all(asked), replies, self.positions)
        tensors = {**aligned.tensors, BIAS: (of_safe - of_base).float()}
        return Artifact(aligned.kind, tensors, {**aligned.meta, "beside": [BIAS]})

    @contextmanager
    def deploy(self, target: "Target", artifact: Artifact) -> "Iterator[Target]":
        """The aligned model behind the edit that takes the bias off."""
        if artifact.kind == "nothing":
            yield target
            return
        own = {name: tensor for name, tensor in artifact.tensors.items() if name != BIAS}
        meta = {name: fact for name, fact in artifact.meta.items() if name != "beside"}
        with self.alignment.deploy(target, Artifact(artifact.kind, own, meta)) as safe:
            bias = artifact.tensors[BIAS]
            yield safe.with_distribution_edit(Unbiased(f"{self.name}:{artifact.sha256}", bias))


@dataclass(frozen=True)
class Unbiased:
    """The edit. bias: [positions, vocabulary] in nats."""

    fingerprint: str
    bias: "Tensor"

    def __call__(self, contexts: Sequence[list[int]], log_probs: "Tensor", steps: Sequence[int]) -> "Tensor":
        """Rows at one of the positions less its bias, the others as they are."""
        edited = log_probs.clone()
        for row, step in enumerate(steps):
            if step < len(self.bias):
                edited[row] -= self.bias[step].to(log_probs.device)
        return edited


def random_prompts(target: "Target", chats: Sequence[Chat], count: int, seed: int) -> list[Chat]:
    """Chats of one user's turn that mean nothing: as long as those given, each token drawn from all of theirs."""
    from crossrisk.targets.chat import tokenise

    said = tokenise(target.tokenizer, [chat[-1].content for chat in chats])
    pool = [token for ids in said for token in ids]
    draw = random.Random(seed)
    drawn = [draw.choices(pool, k=len(draw.choice(said))) for _ in range(count)]
    texts = target.tokenizer.batch_decode(drawn, skip_special_tokens=True)
    return [(Message("user", text),) for text in texts]


def _first_tokens(
    target: "Target", prompts: Sequence[list[int]], replies: "list[list[int]] | None", positions: int, size: int = 32
) -> "tuple[list[list[int]], Tensor]":
    """Replies to prompts, and the mean log-probabilities of their first tokens, [positions, vocabulary], float64.

    replies: read these in place of the target's own greedy ones. A reply that has ended counts no more; where all have
    the mean is 0.
    """
    import torch

    from crossrisk.targets.auxiliary import NextToken
    from crossrisk.targets.generation import decode, stop_tokens
    from crossrisk.targets.target import GenerationConfig

    config, stops = GenerationConfig(positions), stop_tokens(target)
    reader, said = NextToken(target), list(replies or [])
    total: Tensor | None = None
    counts = torch.zeros(positions, 1, dtype=torch.float64)
    for start in range(0, len(prompts), size):
        batch = prompts[start : start + size]
        if replies is None:
            said += decode(target, range(len(batch)), batch, config, stops, None)
        for step in range(positions):
            begun = [(prompt, reply) for prompt, reply in zip(batch, said[start:], strict=False) if len(reply) > step]
            if begun:
                contexts = [[*prompt, *reply[:step]] for prompt, reply in begun]
                read = reader.log_probs(contexts, [step] * len(begun)).double().sum(dim=0).cpu()
                total = read.new_zeros(positions, len(read)) if total is None else total
                total[step] += read
                counts[step] += len(begun)
    assert total is not None
    return said, total / counts.clamp(min=1)


tsdi = from_settings("tsdi", Debiased)
