"""SafeSwitch: when two probers of the model's inside see an unsafe request and the will to comply, a head that was
trained to refuse speaks in place of the model's own.

Han et al. (2025), *SafeSwitch: Steering unsafe LLM behavior via internal activation signals*, EMNLP Findings, arXiv
2502.01042.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.defense import Artifact, Coverage, FitData, Needs
from crossrisk.defenses.fitting import derived_seed, drawn_from, isolated_randomness, require
from crossrisk.defenses.settings import Configured, Count, NotNegative, Positive, from_settings
from crossrisk.risks import Mechanism, Risk, Threat

if TYPE_CHECKING:
    from crossrisk.targets.target import Target

CARD = Card(
    title="SafeSwitch",
    paper="Han et al. (2025), SafeSwitch: Steering unsafe LLM behavior via internal activation signals, EMNLP "
    "Findings, arXiv 2502.01042",
    formula="""logits = (W + D) h  if both probers fire, else W h
unsafe(h)     two layers, 64 wide, on the last layer's hidden state of the prompt's last token
complies(h)   the same after three tokens of the reply that the model would give
D = argmin NLL(refusals), all but the head frozen""",
    deviation=Deviation.FIXED,
    differs="Probers are trained with cross-entropy on their logits; the released code takes the softmax first, and "
    "then again in the loss. The refusal head is a tensor of its own: where input embeddings and head are one, the "
    "released training of the head moves both. Compliance is learned from given replies, risky and harmless against "
    "refused, and not from the model's own, judged by another model.",
    strength="Scales D.",
    data="`pairs`, `refusals`, `retain`. Paper: SORRY-Bench and parts of TrustLLM, which are no fair test of it.",
    cost="Seconds to a minute. One more pass over each prompt, three more tokens for those that look unsafe; memory: "
    "another head in float32.",
    invariants=(
        "weights and input embeddings stay as they are, also where head and embeddings are tied",
        "rows for which either prober is silent are the base's bit for bit",
        "the first loss is the model's own NLL of the refusals",
    ),
    large="`learning_rate: 1.0e-5`, five epochs of steps, as in the paper.",
)


@dataclass(frozen=True)
class SafeSwitch(Configured):
    """SafeSwitch against one risk.

    learning_rate, weight_decay, batch_size, steps: of training the refusal head, each step on `batch_size` refusals.
    examples: how many pairs and harmless prompts the probers are trained on.
    """

    risk: Risk = Risk.SAFETY
    learning_rate: Positive = 5e-3
    weight_decay: NotNegative = 0.02
    batch_size: Count = 32
    steps: Count = 100
    examples: Count = 512

    registered: ClassVar[str] = "safeswitch"
    version = 1
    mechanism = Mechanism.ACTIVATION
    needs = Needs(data=("pairs", "refusals", "retain"), weights=True)
    covers: ClassVar[frozenset[Coverage]] = frozenset({"generate", "score"})
    card: ClassVar[Card] = CARD

    @property
    def threat(self) -> Threat | None:
        """As a defense of privacy it makes the model decline; what is memorised stays in the weights."""
        return Threat.DISCLOSURE if self.risk is Risk.PRIVACY else None

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Train both probers and the refusal head, each on hidden states of the target as it stands."""
        from crossrisk.defenses.fine_tuning import demonstrations, tokenised
        from crossrisk.defenses.refusal_head import LOOK_AHEAD, fitted_head, fitted_prober, tensors_of
        from crossrisk.targets.activation import hidden_states

        require(self, target, data, strength)
        if strength == 0:
            return Artifact("nothing")
        drawn = derived_seed(self.name, data.checksum, seed)
        pairs = drawn_from(data.pairs, self.examples, drawn)
        harmless = drawn_from(data.retain, self.examples, drawn)
        chats = [pair.messages for pair in pairs]
        refused, complied = (
            tokenised(target, chats, replies)
            for replies in ([pair.chosen for pair in pairs], [pair.rejected for pair in pairs])
        )
        helped = demonstrations(target, harmless)
        unsafe, safe = (hidden_states(target, [list(row.prompt) for row in rows]) for rows in (complied, helped))
        goes_along, declines = (
            hidden_states(
                target, [list(row.prompt) for row in rows], [row.reply[:LOOK_AHEAD] for row in rows], at="end"
            )
            for rows in (complied + helped, refused)
        )
        with isolated_randomness(drawn):
            sees = fitted_prober(unsafe[:, -1], safe[:, -1])
            complies = fitted_prober(goes_along[:, -1], declines[:, -1])
        delta, losses = fitted_head(
            target,
            demonstrations(target, data.refusals),
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            batch_size=self.batch_size,
            steps=self.steps,
            seed=drawn,
        )
        kept = tensors_of("unsafe", sees) | tensors_of("complies", complies)
        meta = {"kept": sorted(kept), "loss_first": losses[0], "loss_last": losses[-1]}
        return Artifact("vectors", {**kept, "head.delta": strength * delta}, meta)

    @contextmanager
    def deploy(self, target: "Target", artifact: Artifact) -> "Iterator[Target]":
        """The target with the edit; no weight of the model changes. Raises RequestError for a head of another model."""
        from crossrisk.defenses.refusal_head import head_in

        if artifact.kind == "nothing":
            yield target
        else:
            yield target.with_activation_edit(head_in(f"{self.name}:{artifact.sha256}", artifact.tensors, target))


safeswitch = from_settings("safeswitch", SafeSwitch)
