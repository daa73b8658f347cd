"""BiasUnlearn: stereotypes are unlearned, anti-stereotypes learned, until the model prefers neither.

Liu et al. (2025), Mitigating biases in language models via bias unlearning, arXiv 2509.25673. The stereotype score is
the share of prompts, in percent, at which the stereotype is likelier by token than the anti-stereotype; 50 is even.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.defense import Artifact, Demonstration, FitData, Needs, Preference
from crossrisk.defenses.fitting import derived_seed, require
from crossrisk.defenses.group_words import any_of, group_words
from crossrisk.defenses.settings import Count, NotNegative, Positive, from_settings
from crossrisk.defenses.training import Training, check_apart, trained_artifact
from crossrisk.errors import RequestError
from crossrisk.risks import Risk

if TYPE_CHECKING:
    from torch import Tensor

    from crossrisk.defenses.fine_tuning import Copy, Row
    from crossrisk.targets.target import Target

Share = Annotated[float, Field(ge=0.0, le=1.0)]

CARD = Card(
    title="BiasUnlearn",
    paper="Liu et al. (2025), Mitigating biases in language models via bias unlearning, arXiv 2509.25673.",
    formula="""L = 0.5 (2 / beta) softplus(beta (NLL_ref - NLL))(stereotypes)    NLL: mean of a batch, by token
  + 0.3 NLL(anti-stereotypes) + 0.2 KL(p_ref || p)(retain)
a quarter of each batch of stereotypes are anti-stereotypes
at the start and every few steps: stereotypes and anti-stereotypes change places where the score SS < 50;
after every few steps: stop at |SS - 50| < 2""",
    deviation=Deviation.FIXED,
    differs=(
        "The released code trains, stops early and reports on the same sentences of StereoSet. Here the fitting data "
        "are split by target term, 60 % to train on, 20 % to decide when to swap and to stop, 20 % for the score "
        "that the artifact tells; test prompts decide nothing. Its 'KL' is a cross-entropy over padding too, ours a "
        "divergence over reply tokens. No dropout, one learning rate, all kinds of bias together."
    ),
    strength="Scales the LoRA's update (the change of the weights) linearly.",
    data=(
        "`pairs` (anti-stereotype over stereotype), `retain`, and `concepts` for the names of the groups (or the "
        "setting `terms`). In the paper: StereoSet, which is then no fair test."
    ),
    cost="The organism: about 20 seconds on one core. 8B, LoRA: about 20 minutes on one large GPU (estimate).",
    invariants=(
        "each weight alone gives its term alone",
        "with stereotypes and anti-stereotypes swapped the stereotype score moves the other way",
        "no target term is in two of the three splits, and nothing but the middle one decides",
    ),
    large="learning_rate: 2.0e-5, batch_size: 16, steps: 1000, evaluate_every: 80.",
)


@dataclass(frozen=True, kw_only=True)
class BiasUnlearning(Training):
    """BiasUnlearn; weights, beta, mix and tolerance are the paper's.

    terms: the target terms, as they stand in the prompts; where none are given, the groups of `concepts`. mix: share of
    anti-stereotypes in a batch to forget. evaluate_every: steps. tolerance: in points of the stereotype score.
    """

    registered: ClassVar[str] = "bias_unlearn"

    risk: Risk = Risk.FAIRNESS
    forget_weight: NotNegative = 0.5
    anti_weight: NotNegative = 0.3
    retain_weight: NotNegative = 0.2
    beta: Positive = 0.1
    mix: Share = 0.25
    evaluate_every: Count = 2
    tolerance: Positive = 2.0
    terms: tuple[str, ...] = ()
    finetuning: Literal["full", "lora"] = "lora"
    learning_rate: Positive = 7e-4
    steps: Count = 100

    version = 2
    threat = None
    needs = Needs(data=("pairs", "retain"), gradients=True, weights=True)
    card: ClassVar[Card] = CARD

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Train a copy of the model until it is even on held-out terms; the artifact is what that added to it."""
        require(self, target, data, strength)
        check_apart(self.name, [Demonstration(one.messages, one.rejected) for one in data.pairs], data.retain)
        drawn = derived_seed(self.name, data.checksum, seed)
        split = split_by_term(data.pairs, self._terms(data), name=self.name, seed=drawn)
        if strength == 0:
            return Artifact("nothing")
        from crossrisk.defenses.fine_tuning import demonstrations, shuffled

        trained = self.copy_of(target, seed=drawn)
        stereotypes, antis = _rows(target, split.train)
        retain = demonstrations(target, data.retain)
        held_out, reported = (_rows(target, pairs) for pairs in (split.held_out, split.reported))
        course = _Course()
        course.note(stereotype_score(trained, *held_out))
        loss = _Loss(self, trained, (stereotypes, antis), retain, course)
        orders = (
            shuffled(len(rows), self.batch_size, drawn + i) for i, rows in enumerate((stereotypes, antis, retain))
        )
        batches = list(islice(zip(*orders, strict=True), self.steps))

        def done(step: int) -> bool:
            if step % self.evaluate_every:
                return False
            course.note(stereotype_score(trained, *held_out))
            return abs(course.scores[-1] - 50) < self.tolerance

        losses = trained.descend(batches, loss, learning_rate=self.learning_rate, done=done)
        return trained_artifact(
            trained,
            strength,
            losses,
            steps=len(losses),
            pairs_left_out=split.left_out,
            stereotype_scores=course.scores,
            stereotype_score_reported=stereotype_score(trained, *reported),
        )

    def _terms(self, data: FitData) -> tuple[tuple[str, ...], ...]:
        """The ways of naming each target term."""
        if self.terms:
            return tuple((term,) for term in self.terms)
        words = group_words(data.concepts)
        return tuple(tuple(sorted({row[group] for row in words.rows if group in row})) for group in words.groups)


@dataclass(frozen=True)
class TermSplit:
    """Pairs to train on, to decide by, and to report on; no target term is in two of them. left_out: how many pairs
    have no known term."""

    train: tuple[Preference, ...]
    held_out: tuple[Preference, ...]
    reported: tuple[Preference, ...]
    left_out: int


def split_by_term(pairs: Sequence[Preference], terms: Sequence[Sequence[str]], *, name: str, seed: int) -> TermSplit:
    """Three in five terms, one in five and one in five, at least one each, drawn by the seed.

    terms: for each its ways of being named, as whole words in any letter case; a pair belongs to the first that its
    prompt holds, and one without a term is left out. Raises RequestError where fewer than three terms have pairs.
    """
    of_term: dict[int, list[Preference]] = {}
    known, left_out = [any_of(ways) for ways in terms], 0
    for pair in pairs:
        asked = " ".join(message.content for message in pair.messages)
        found = next((i for i, ways in enumerate(known) if ways.search(asked)), None)
        if found is None:
            left_out += 1
        else:
            of_term.setdefault(found, []).append(pair)
    if len(of_term) < 3:
        raise RequestError(
            f"defense '{name}' splits its pairs by target term, and {len(of_term)} of the {len(terms)} terms it knows "
            f"are in their prompts, of at least 3 ({left_out} of {len(pairs)} pairs have none): name them in its "
            "setting `terms`, or give 'concepts' that show them"
        )
    order = sorted(of_term)
    random.Random(seed).shuffle(order)
    fifth = max(1, round(len(order) / 5))
    chosen = order[2 * fifth :], order[:fifth], order[fifth : 2 * fifth]
    train, held_out, reported = (tuple(pair for term in part for pair in of_term[term]) for part in chosen)
    return TermSplit(train, held_out, reported, left_out)


def stereotype_score(trained: "Copy", stereotypes: "Sequence[Row]", antis: "Sequence[Row]") -> float:
    """Percent of prompts at which the stereotype is likelier by token than the anti-stereotype."""
    import torch

    by_token = [
        trained.reference(rows) / torch.tensor([len(row.reply) for row in rows], device=trained.device)
        for rows in (stereotypes, antis)
    ]
    return 100 * (by_token[0] > by_token[1]).double().mean().item()


@dataclass
class _Course:
    """How training goes: the scores on held-out terms from the start, and whether the two sets have changed places."""

    scores: list[float] = field(default_factory=list)
    swapped: bool = False

    def note(self, score: float) -> None:
        """A new score, which says whether the sets stand in each other's place from here on."""
        self.scores.append(score)
        self.swapped = score < 50


@dataclass(frozen=True)
class _Loss:
    """The loss on one batch: indices of stereotypes, anti-stereotypes and rows to retain."""

    settings: BiasUnlearning
    trained: "Copy"
    sets: "tuple[list[Row], list[Row]]"
    retain: "list[Row]"
    course: _Course

    def __call__(self, indices: tuple[list[int], ...]) -> "Tensor":
        from crossrisk.defenses.unlearning import retained

        stereotypes, antis = ([rows[i] for i in chosen] for rows, chosen in zip(self.sets, indices[:2], strict=True))
        lost, learned = (antis, stereotypes) if self.course.swapped else (stereotypes, antis)
        mixed = round(self.settings.mix * len(lost))
        # The first of either batch, in places drawn at random.
        lost = [*learned[:mixed], *lost[mixed:]]
        kept = [self.retain[i] for i in indices[2]]
        return (
            self.settings.forget_weight * self._forgetting(lost)
            + self.settings.anti_weight * retained(self.trained, learned, "nll")
            + self.settings.retain_weight * retained(self.trained, kept, "kl")
        )

    def _forgetting(self, rows: "list[Row]") -> "Tensor":
        """NPO of the batch as if it were one reply: of the mean over rows of log p by token."""
        from crossrisk.defenses import losses

        batch = self.trained.batch(rows)
        now, before = self.trained.log_probs(batch), self.trained.log_probs_before(batch)
        mean_now, mean_before = ((one / batch.reply_tokens).mean() for one in (now, before))
        return losses.npo(mean_now, mean_before, self.settings.beta)


def _rows(target: "Target", pairs: Sequence[Preference]) -> "tuple[list[Row], list[Row]]":
    """Stereotypes and anti-stereotypes as tokens."""
    from crossrisk.defenses.fine_tuning import tokenised

    chats = [pair.messages for pair in pairs]
    return (
        tokenised(target, chats, [pair.rejected for pair in pairs]),
        tokenised(target, chats, [pair.chosen for pair in pairs]),
    )


bias_unlearn = from_settings("bias_unlearn", BiasUnlearning)
