"""Unlearning: replies that are to be forgotten become unlikely, and what is to be retained is held.

    L = forget_weight L_forget + retain_weight L_retain

with log p summed over a reply's tokens, r = log p - log p_ref, and p_ref the model before:

    ga, graddiff   L_forget = log p by token, mean                              Yao et al., arXiv 2310.10683; Maini et
                   (gradient ascent retains nothing, gradient difference does)  al., arXiv 2401.06121
    npo            (2 / beta) softplus(beta r)                                  Zhang et al., arXiv 2404.05868
    simnpo         (2 / beta) softplus(beta (log p by token + margin))          Fan et al., arXiv 2410.07163
    idkdpo         -(2 / beta) log sigmoid(beta (r(refusal) - r))               Maini et al., arXiv 2401.06121
"""

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, Literal

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.defense import Artifact, Demonstration, FitData, Needs
from crossrisk.defenses.fitting import derived_seed, require
from crossrisk.defenses.settings import Count, Finite, NotNegative, Positive
from crossrisk.defenses.training import Training, check_apart, trained_artifact
from crossrisk.errors import RequestError
from crossrisk.risks import Risk, Threat

if TYPE_CHECKING:
    from torch import Tensor

    from crossrisk.defenses.fine_tuning import Batch, Copy, Row
    from crossrisk.targets.target import Target

CARD = Card(
    title="Unlearning",
    paper=(
        "Gradient ascent and difference: Yao et al. (2023), Large language model unlearning, arXiv 2310.10683; Maini "
        "et al. (2024), TOFU, arXiv 2401.06121. NPO: Zhang et al. (2024), arXiv 2404.05868. SimNPO: Fan et al. (2024), "
        "arXiv 2410.07163. IdkDPO: arXiv 2401.06121. Names and scales as in open-unlearning."
    ),
    formula="""L = forget_weight L_forget + retain_weight L_retain        r = log p - log p_ref
ga, graddiff   log p by token                      (ga retains nothing)
npo            (2 / beta) softplus(beta r)
simnpo         (2 / beta) softplus(beta (log p by token + margin))
idkdpo         -(2 / beta) log sigmoid(beta (r(refusal) - r(reply to forget)))
L_retain       nll: -log p by token;  kl: KL(p_ref || p) by token of the replies""",
    deviation=Deviation.VARIANT,
    differs=(
        "Matrices of the decoder layers are trained and not all parameters. The loss of the presets is SimNPO: on the "
        "organism's safety and fairness NPO leaves nothing but full stops to say. The divergence is over reply tokens "
        "alone; released code also averages over padding. A forget row that is also a retain row is refused."
    ),
    strength="Scales the change of the weights (of the LoRA's update) linearly.",
    data=(
        "`forget` and `retain` (`ga`: `forget` alone; `idkdpo`: also `refusals` of the same prompts). In the papers: "
        "TOFU, MUSE, WMDP, whose forget sets are no fair test."
    ),
    cost=(
        "The organism: about 8 seconds on one core. 1B on a forget set of 400 replies: under a minute on one large GPU "
        "(estimate). Memory in full: 16 bytes a trained number beside the model; as LoRA little more than the model."
    ),
    invariants=(
        "NPO at the reference is (2/beta) ln 2 with the gradient of ascent; as beta goes to 0 it is ascent everywhere",
        "gradient difference of a set from itself is 0",
        "IdkDPO at the reference is (2/beta) ln 2, and swapping refusal and reply flips its gradient",
        "the divergence is 0 before training, and the same with and without padding",
        "micro-batches and gradient checkpointing change no result",
        "a loss that is no number ends the fit",
    ),
    large="learning_rate: 1.0e-5 (LoRA 1.0e-4), batch_size: 32, ten passes over what is to be forgotten.",
)


@dataclass(frozen=True, kw_only=True)
class Unlearning(Training):
    """Unlearning of the demonstrations of one risk, with those to retain.

    loss, beta, margin, forget_weight, retain_weight: as above; beta and forget_weight belong to the loss, and those of
    the default are open-unlearning's. For npo, the smaller beta, the closer to ascent. retain: `nll`, the likelihood of
    what is retained; `kl`, its whole distribution. A step takes `batch_size` replies to forget and as many to retain.
    """

    registered: ClassVar[str] = "unlearning"

    risk: Risk
    loss: Literal["ga", "graddiff", "npo", "simnpo", "idkdpo"] = "simnpo"
    beta: Positive = 4.5
    margin: Finite = 0.0
    forget_weight: Positive = 0.125
    retain: Literal["nll", "kl"] = "nll"
    retain_weight: NotNegative = 1.0
    steps: Count = 60

    version = 1
    card: ClassVar[Card] = CARD

    @property
    def needs(self) -> Needs:
        """Forget and retain, where they are used; refusals for IdkDPO."""
        retained = ("retain",) if self.retains else ()
        refused = ("refusals",) if self.loss == "idkdpo" else ()
        return Needs(data=("forget", *retained, *refused), gradients=True, weights=True)

    @property
    def retains(self) -> bool:
        """Whether anything holds the rest of the model; gradient ascent lets go of it."""
        return self.loss != "ga" and self.retain_weight > 0

    @property
    def threat(self) -> Threat | None:
        """As a defense of privacy it makes a set of records be forgotten, and protects no others."""
        return Threat.FORGET_SET if self.risk is Risk.PRIVACY else None

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Train a copy of the model; the artifact is what that added to it."""
        require(self, target, data, strength)
        check_apart(self.name, data.forget, data.retain if self.retains else ())
        if strength == 0:
            return Artifact("nothing")
        from crossrisk.defenses.fine_tuning import demonstrations, shuffled

        drawn = derived_seed(self.name, data.checksum, seed)
        trained = self.copy_of(target, seed=drawn)
        forget = demonstrations(target, data.forget)
        retain = demonstrations(target, data.retain) if self.retains else forget
        forgetting = _Forgetting(self, trained, forget, self._refusals(target, data))
        lost = shuffled(len(forget), self.batch_size, drawn)
        kept = shuffled(len(retain), self.batch_size, drawn + 1)
        batches = list(islice(zip(lost, kept, strict=True), self.steps))

        def loss_of(indices: tuple[list[int], list[int]]) -> "Tensor":
            to_lose, to_keep = indices
            lost = self.forget_weight * forgetting.loss(to_lose)
            if not self.retains:
                return lost
            return lost + self.retain_weight * retained(trained, [retain[i] for i in to_keep], self.retain)

        return trained_artifact(trained, strength, trained.descend(batches, loss_of, learning_rate=self.learning_rate))

    def _refusals(self, target: "Target", data: FitData) -> "list[Row]":
        """The refusal of each prompt to forget, in their order; none where the loss wants none."""
        from crossrisk.defenses.fine_tuning import demonstrations

        if self.loss != "idkdpo":
            return []
        refused = {one.messages: one.reply for one in reversed(data.refusals)}
        missing = sum(one.messages not in refused for one in data.forget)
        if missing:
            raise RequestError(
                f"defense '{self.name}' prefers a refusal to what is to be forgotten, and {missing} prompts of "
                f"'forget' have none among the 'refusals' of '{data.source}': add them, or take another loss"
            )
        return demonstrations(target, [Demonstration(one.messages, refused[one.messages]) for one in data.forget])


class _Forgetting:
    """The loss on replies to forget, with what it needs of the model before."""

    def __init__(self, settings: Unlearning, trained: "Copy", forget: "list[Row]", refusals: "list[Row]") -> None:
        self.settings, self.trained, self.forget, self.refusals = settings, trained, forget, refusals
        referred = settings.loss in ("npo", "idkdpo")
        self.reference = trained.reference(forget) if referred else None
        self.refused = trained.reference(refusals) if refusals else None

    def loss(self, chosen: list[int]) -> "Tensor":
        from crossrisk.defenses import losses

        batch, beta = self._batch(self.forget, chosen), self.settings.beta
        log_probs = self.trained.log_probs(batch)
        if self.settings.loss == "simnpo":
            return losses.simnpo(log_probs, batch.reply_tokens, beta, self.settings.margin)
        if self.reference is None:
            return -losses.negative_log_likelihood(log_probs, batch.reply_tokens)
        before = self.reference[chosen]
        if self.refused is None:
            return losses.npo(log_probs, before, beta)
        refusing = self.trained.log_probs(self._batch(self.refusals, chosen)) - self.refused[chosen]
        return (2 / beta) * losses.dpo(refusing, log_probs - before, beta)

    def _batch(self, rows: "list[Row]", chosen: list[int]) -> "Batch":
        return self.trained.batch([rows[i] for i in chosen])


def retained(trained: "Copy", rows: "list[Row]", how: Literal["nll", "kl"]) -> "Tensor":
    """What holds the model on `rows`, by token of their replies: their likelihood, or their distribution."""
    from crossrisk.defenses import losses

    batch = trained.batch(rows)
    if how == "kl":
        return trained.divergence(batch).sum() / batch.reply_tokens.sum()
    return losses.negative_log_likelihood(trained.log_probs(batch), batch.reply_tokens)
