"""Safe Unlearning: harmful replies are unlearned, refusals learned, help kept.

Zhang et al. (2024), Safe Unlearning: a surprisingly effective and generalizable solution to defend against jailbreak
attacks, arXiv 2407.02855.
"""

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, ClassVar

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.defense import Artifact, FitData, Needs
from crossrisk.defenses.fitting import derived_seed, require
from crossrisk.defenses.settings import NotNegative, Positive, from_settings
from crossrisk.defenses.training import Training, check_apart, trained_artifact
from crossrisk.risks import Risk, Threat

if TYPE_CHECKING:
    from torch import Tensor

    from crossrisk.targets.target import Target

CARD = Card(
    title="Safe Unlearning",
    paper="Zhang et al. (2024), Safe Unlearning, arXiv 2407.02855.",
    formula="""L = NLL(retain) + refusal_weight NLL(refusals)
    - forget_weight E log sigmoid(-beta (log p - log p_ref) / tokens)   over replies to forget""",
    deviation=Deviation.VARIANT,
    differs="Matrices of the decoder layers are trained and not all parameters; a fixed number of steps and no epochs.",
    strength="Scales the change of the weights (of the LoRA's update) linearly.",
    data=(
        "`forget`, `refusals`, `retain`. In the paper: 100 questions of AdvBench with five harmful replies each, and "
        "500 of UltraFeedback; AdvBench is then no fair test."
    ),
    cost="The organism: about 10 seconds on one core. 8B in full: about 8 minutes on one large GPU (estimate).",
    invariants=(
        "before training the gradient of the last term is forget_weight beta / 2 times that of ascent by token",
        "the last term is forget_weight ln 2 there: it has no factor 2 / beta",
    ),
    large="learning_rate: 2.0e-5, batch_size: 32, three to five passes.",
)


@dataclass(frozen=True, kw_only=True)
class SafeUnlearning(Training):
    """Safe Unlearning of the demonstrations of one risk; weights and beta are the paper's.

    Each step takes `batch_size` replies to forget, as many refusals and as many to retain.
    """

    registered: ClassVar[str] = "safe_unlearning"

    risk: Risk = Risk.SAFETY
    forget_weight: Positive = 0.3
    refusal_weight: NotNegative = 0.5
    beta: Positive = 1.0

    version = 1
    needs = Needs(data=("forget", "refusals", "retain"), gradients=True, weights=True)
    card: ClassVar[Card] = CARD

    @property
    def threat(self) -> Threat | None:
        """As a defense of privacy it makes a set of records be forgotten, and protects no others."""
        return Threat.FORGET_SET if self.risk is Risk.PRIVACY else None

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Train a copy of the model; the artifact is what that added to it."""
        require(self, target, data, strength)
        check_apart(self.name, data.forget, data.retain)
        if strength == 0:
            return Artifact("nothing")
        from crossrisk.defenses import losses
        from crossrisk.defenses.fine_tuning import demonstrations, shuffled
        from crossrisk.defenses.unlearning import retained

        drawn = derived_seed(self.name, data.checksum, seed)
        trained = self.copy_of(target, seed=drawn)
        forget, refusals, retain = (
            demonstrations(target, shown) for shown in (data.forget, data.refusals, data.retain)
        )
        reference = trained.reference(forget)
        orders = (shuffled(len(rows), self.batch_size, drawn + i) for i, rows in enumerate((forget, refusals, retain)))
        batches = list(islice(zip(*orders, strict=True), self.steps))

        def loss_of(indices: tuple[list[int], ...]) -> "Tensor":
            to_lose, to_refuse, to_keep = indices
            losing = trained.batch([forget[i] for i in to_lose])
            return (
                retained(trained, [retain[i] for i in to_keep], "nll")
                + self.refusal_weight * retained(trained, [refusals[i] for i in to_refuse], "nll")
                + self.forget_weight
                * losses.adaptive_unlearning(
                    trained.log_probs(losing), reference[to_lose], losing.reply_tokens, self.beta
                )
            )

        return trained_artifact(trained, strength, trained.descend(batches, loss_of, learning_rate=self.learning_rate))


safe_unlearning = from_settings("safe_unlearning", SafeUnlearning)
