"""CAT: continuous adversarial training, refusals that hold where the request's embeddings are pushed about.

Xhonneux et al. (2024), Efficient adversarial training in LLMs with continuous attacks, arXiv 2405.15589. `capo` is the
same with a loss of preference, IPO.
"""

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, Literal

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.defense import Artifact, FitData, Needs
from crossrisk.defenses.fitting import derived_seed, require
from crossrisk.defenses.settings import Count, Finite, NotNegative, Positive, from_settings
from crossrisk.defenses.training import Training, trained_artifact
from crossrisk.risks import Risk, Threat

if TYPE_CHECKING:
    from torch import Tensor

    from crossrisk.defenses.embedding_attack import Attack
    from crossrisk.defenses.fine_tuning import Batch, Copy
    from crossrisk.targets.target import Target

CARD = Card(
    title="CAT: continuous adversarial training",
    paper="Xhonneux et al. (2024), Efficient adversarial training in LLMs with continuous attacks, arXiv 2405.15589.",
    formula="""d: what makes the risky reply likeliest, of |d_t| <= eps for each token t of the instruction
   (signed gradient ascent in the space of embeddings, projected after each step)
cat   L = away cut(log p(risky | x + d), -5) + toward cut(NLL(safe | x + d), 0.5) + utility NLL(retain)
      both by token; cut(L, c) = L above c, 0.999 c + 0.001 L below
capo  L = mean ([r(safe) - r(risky)] - 1 / (2 beta))^2,  r = log p - log p_ref by token, given x + d""",
    deviation=Deviation.VARIANT,
    differs=(
        "Pushed are the tokens of what the user says, not those of the template around it. The strongest push met is "
        "trained on, not the last one. The size of a step is told as a multiple of eps. As many harmless as harmful "
        "rows in a step (paper: seven times as many, `utility_ratio: 7`); a fixed number of steps."
    ),
    strength="Scales the change of the weights (of the LoRA's update) linearly.",
    data=(
        "`pairs` (safe over risky reply) and `retain` (`capo`: `pairs` alone). In the paper: requests of HarmBench's "
        "training split, UltraChat."
    ),
    cost="The organism: about 10 seconds on one core. 8B, LoRA: about 30 to 40 minutes on one large GPU (estimate).",
    invariants=(
        "each token's push is at most eps long after every step, and 0 outside of the instruction",
        "the risky reply is no less likely after a step of the attack than before",
        "with eps 0 the loss is that of plain fine-tuning",
    ),
    large=(
        "finetuning: lora, rank: 64, learning_rate: 2.0e-4, batch_size: 8, utility_ratio: 7, five passes (capo: beta "
        "0.25, twenty)."
    ),
)


@dataclass(frozen=True, kw_only=True)
class ContinuousAdversarialTraining(Training):
    """CAT against one risk, on the pairs of its fitting data and what is to be retained.

    eps: of the mean norm of an embedding. step_size: of eps, the length of one step of the attack. A step of training
    takes `batch_size` requests and `utility_ratio` times as many rows to retain. beta: of `capo`.
    """

    registered: ClassVar[str] = "cat"

    risk: Risk = Risk.SAFETY
    loss: Literal["cat", "capo"] = "cat"
    eps: NotNegative = 0.05
    iterations: Count = 10
    step_size: Positive = 0.5
    away_weight: NotNegative = 0.5
    away_cutoff: Finite = -5.0
    toward_weight: NotNegative = 0.5
    toward_cutoff: Finite = 0.5
    utility_weight: NotNegative = 1.0
    utility_ratio: Count = 1
    beta: Positive = 0.25
    batch_size: Count = 8
    steps: Count = 15

    version = 1
    card: ClassVar[Card] = CARD

    @property
    def needs(self) -> Needs:
        """Pairs, and for `cat` what is to be retained."""
        retained = ("retain",) if self.loss == "cat" else ()
        return Needs(data=("pairs", *retained), gradients=True, weights=True)

    @property
    def threat(self) -> Threat | None:
        """Against privacy risks it teaches to refuse what is asked for; what is memorised stays in the weights."""
        return Threat.DISCLOSURE if self.risk is Risk.PRIVACY else None

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Train a copy of the model; the artifact is what that added to it."""
        require(self, target, data, strength)
        if strength == 0:
            return Artifact("nothing")
        from crossrisk.defenses.embedding_attack import Attack, instruction_tokens
        from crossrisk.defenses.fine_tuning import demonstrations, shuffled, tokenised
        from crossrisk.defenses.unlearning import retained

        drawn = derived_seed(self.name, data.checksum, seed)
        trained = self.copy_of(target, seed=drawn)
        chats = [pair.messages for pair in data.pairs]
        risky = tokenised(target, chats, [pair.rejected for pair in data.pairs])
        safe = tokenised(target, chats, [pair.chosen for pair in data.pairs])
        asked = instruction_tokens(target, chats)
        attack = Attack(trained, eps=self.eps, step_size=self.step_size, iterations=self.iterations)
        retain = demonstrations(target, data.retain) if self.loss == "cat" else risky
        harmful = shuffled(len(risky), self.batch_size, drawn)
        harmless = shuffled(len(retain), self.batch_size * self.utility_ratio, drawn + 1)
        batches = list(islice(zip(harmful, harmless, strict=True), self.steps))

        def loss_of(indices: tuple[list[int], list[int]]) -> "Tensor":
            chosen, to_keep = indices
            away, toward = (trained.batch([rows[i] for i in chosen]) for rows in (risky, safe))
            loss = self.adversarial(trained, attack, away, toward, [asked[i] for i in chosen])
            if self.loss == "capo":
                return loss
            return loss + self.utility_weight * retained(trained, [retain[i] for i in to_keep], "nll")

        return trained_artifact(trained, strength, trained.descend(batches, loss_of, learning_rate=self.learning_rate))

    def adversarial(
        self, trained: "Copy", attack: "Attack", away: "Batch", toward: "Batch", asked: "list[range]"
    ) -> "Tensor":
        """The loss on risky (`away`) and safe (`toward`) replies to the same requests, pushed where it hurts most."""
        from crossrisk.defenses import losses

        shift = attack.shift(away, asked)
        away, toward = attack.shifted(away, shift), attack.shifted(toward, shift)
        risky, safe = trained.log_probs(away), trained.log_probs(toward)
        if self.loss == "capo":
            chosen = (safe - trained.log_probs_before(toward)) / toward.reply_tokens
            rejected = (risky - trained.log_probs_before(away)) / away.reply_tokens
            return losses.ipo(chosen, rejected, self.beta)
        return self.away_weight * losses.cut_off(
            -losses.negative_log_likelihood(risky, away.reply_tokens), self.away_cutoff
        ) + self.toward_weight * losses.cut_off(
            losses.negative_log_likelihood(safe, toward.reply_tokens), self.toward_cutoff
        )


cat = from_settings("cat", ContinuousAdversarialTraining)
