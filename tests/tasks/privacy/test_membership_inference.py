import math

import numpy as np
import pytest

from crossrisk.errors import RequestError
from crossrisk.risks import Message, Reply, Sample, TokenScores
from crossrisk.tasks.metric import Outcomes
from crossrisk.tasks.privacy.membership_inference import membership_inference
from tests.tasks.table import scored_table


def sample(number: int, member: str | None) -> Sample:
    meta = {} if member is None else {"member": member}
    return Sample(f"d{number}", (Message("text", ""),), f"d{number}", choices=(f"Document {number}.",), meta=meta)


def read(*log_probs: float, mean: float = -2.0, deviation: float = 1.0) -> Reply:
    n = len(log_probs)
    scores = TokenScores(tuple(range(n)), log_probs, (0,) * n, (mean,) * n, (deviation,) * n, log_probs)
    return Reply(None, (scores,), stopped="score")


def cell(*means: tuple[str, float]) -> Outcomes:
    return scored_table(membership_inference, ((sample(n, side), read(value)) for n, (side, value) in enumerate(means)))


def test_all_scores_come_out_of_one_pass() -> None:
    outcome = membership_inference.score(sample(1, "member"), read(-1.0, -3.0))
    assert outcome.risk == pytest.approx(math.exp(-2.0))
    assert outcome.label == "member"
    assert outcome.measures["loss"] == -2.0
    assert outcome.measures["min_k"] == -3.0
    assert outcome.measures["min_k_plus_plus"] == -1.0
    assert outcome.measures["zlib"] < 0.0


def test_the_headline_is_the_auroc_of_min_k_plus_plus() -> None:
    assert membership_inference.metric.headline(
        cell(("member", -1.0), ("member", -3.0), ("nonmember", -2.0), ("nonmember", -4.0))
    ) == pytest.approx(0.75)


def test_every_attack_has_its_auroc_and_its_true_positives_at_one_percent() -> None:
    figures = membership_inference.metric.figures(cell(*[("member", -1.0)] * 3, *[("nonmember", -2.0)] * 5))
    for attack in ("loss", "zlib", "min_k", "min_k_plus_plus"):
        assert figures[attack] == {
            "members": 3,
            "others": 5,
            "auroc": 1.0,
            "auroc_either_way": 1.0,
            "tpr_at_1_percent_fpr": 1.0,
            "reversed_tpr_at_1_percent_fpr": 0.0,
        }


def test_members_that_score_lower_after_unlearning_are_told_apart_as_well() -> None:
    unlearned = cell(("member", -4.0), ("member", -5.0), ("nonmember", -1.0), ("nonmember", -2.0))
    assert membership_inference.metric.headline(unlearned) == 0.0  # the field's headline is one-sided
    base = cell(("member", -1.0), ("member", -2.0), ("nonmember", -1.0), ("nonmember", -2.0))
    for found in (
        membership_inference.metric.figures(unlearned)["min_k_plus_plus"],
        membership_inference.metric.paired(base, unlearned)["reference"],
    ):
        assert (found["auroc"], found["auroc_either_way"]) == (0.0, 1.0)
        assert (found["tpr_at_1_percent_fpr"], found["reversed_tpr_at_1_percent_fpr"]) == (0.0, 1.0)
    assert membership_inference.metric.figures(base)["loss"]["auroc_either_way"] == 0.5


def test_with_one_side_alone_nothing_is_told_apart() -> None:
    outcomes = cell(("member", -1.0), ("member", -2.0))
    assert membership_inference.metric.headline(outcomes) is None
    assert membership_inference.metric.figures(outcomes)["loss"]["auroc"] is None


def test_the_base_is_the_reference_of_the_defended_model() -> None:
    """What was easy before is no sign of membership; what became easier is."""
    base = cell(("member", -5.0), ("member", -1.0), ("nonmember", -2.0), ("nonmember", -4.0))
    defended = cell(("member", -4.0), ("member", -0.5), ("nonmember", -2.0), ("nonmember", -4.0))
    figures = membership_inference.metric.paired(base, defended)["reference"]
    assert figures["auroc"] == 1.0
    assert membership_inference.metric.paired(base, base)["reference"]["auroc"] == 0.5


def test_invalid_documents_are_counted_and_left_out() -> None:
    broken = scored_table(
        membership_inference,
        [
            (sample(1, "member"), read(-1.0)),
            (sample(2, "member"), read(-math.inf)),
            (sample(3, "nonmember"), read(-2.0)),
        ],
    )
    figures = membership_inference.metric.figures(broken)
    assert (figures["min_k"]["members"], figures["min_k"]["others"], figures["min_k"]["auroc"]) == (1, 1, 1.0)
    assert figures["invalid"] == {"not_finite": 1}
    assert np.isnan(broken.risks).sum() == 1


@pytest.mark.parametrize("side", [None, "yes"])
def test_a_document_of_no_side_is_an_error(side: str | None) -> None:
    with pytest.raises(RequestError, match="give 'member' or 'nonmember'"):
        membership_inference.score(sample(1, side), read(-1.0))


def test_scores_without_moments_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"ask for Likelihood\(moments=True\)"):
        membership_inference.score(sample(1, "member"), Reply(None, (TokenScores((0,), (-1.0,)),)))
