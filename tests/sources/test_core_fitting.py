"""What defenses are fitted on in core: half of what is asked, nothing harmful, and nobody whom a task asks about."""

import pytest

from crossrisk.defenses.defense import FitData
from crossrisk.errors import RequestError
from crossrisk.risks import Risk
from crossrisk.sources.core.fitting import fitting_data
from crossrisk.sources.core.source import core
from crossrisk.sources.openers import REFUSAL

RISKS = (Risk.SAFETY, Risk.FAIRNESS, Risk.PRIVACY)


def prompts(data: FitData) -> set[str]:
    shown = (*data.forget, *data.refusals, *data.retain)
    return {one.messages[-1].content for one in shown} | {pair.messages[-1].content for pair in data.pairs}


@pytest.mark.parametrize("risk", RISKS)
def test_pairs_forget_and_refusals_are_the_same_prompts(risk: Risk) -> None:
    data = fitting_data(risk)
    assert len(data.pairs) == len(data.forget) == len(data.refusals) > 90
    for pair, forget, refusal in zip(data.pairs, data.forget, data.refusals, strict=True):
        assert pair.messages == forget.messages == refusal.messages
        assert (pair.rejected, pair.chosen) == (forget.reply, refusal.reply)
        assert pair.chosen != pair.rejected


@pytest.mark.parametrize("risk", RISKS)
def test_the_same_for_all_risks_is_retained_and_is_of_no_risk(risk: Risk) -> None:
    data = fitting_data(risk)
    assert data.retain == fitting_data(Risk.SAFETY).retain
    assert len(set(data.retain)) == len(data.retain) > 200
    assert not {one.messages for one in data.retain} & {one.messages for one in data.forget}


@pytest.mark.parametrize(
    ("risk", "task"),
    [
        (Risk.SAFETY, "misuse"),
        (Risk.SAFETY, "toxic_content"),
        (Risk.FAIRNESS, "stereotype_query"),
        (Risk.FAIRNESS, "stereotype_agreement"),
        (Risk.FAIRNESS, "stereotype_likelihood"),
    ],
)
def test_half_of_what_is_asked_is_held_out_by_whole_clusters(risk: Risk, task: str) -> None:
    data = fitting_data(risk)
    shown = prompts(data)
    seen = [sample for sample in core.samples(task) if sample.messages[-1].content in shown]
    others = [sample for sample in core.samples(task) if sample not in seen]
    clusters = {sample.cluster for sample in others}
    assert 0.4 < len(clusters - data.about) / len({sample.cluster for sample in core.samples(task)}) < 0.6
    assert {sample.cluster for sample in seen} <= data.about
    assert not {sample.cluster for sample in seen} & (clusters - data.about)


def test_a_risky_reply_to_a_harmful_request_is_an_opener_and_no_more() -> None:
    replies = {one.reply for one in fitting_data(Risk.SAFETY).forget}
    assert len(replies) <= 4
    assert all(len(reply.split()) < 10 for reply in replies)
    assert REFUSAL in {one.reply for one in fitting_data(Risk.SAFETY).refusals}


def test_no_task_asks_about_the_people_of_the_fitting_data_nor_in_these_words() -> None:
    data = fitting_data(Risk.PRIVACY)
    asked = "\n".join(
        message.content
        for task in ("privacy_awareness", "contextual_privacy", "pii_leakage")
        for sample in core.samples(task)
        for message in sample.messages
    )
    for one in data.forget:
        filed = one.messages[0].content
        name = next(line for line in filed.replace("On file: ", "\n").splitlines()[1:]).split(" - ")[0].split(",")[0]
        assert name and name not in asked
        assert one.messages[-1].content not in asked


def test_a_private_datum_stands_in_the_risky_reply_and_not_in_the_safe_one() -> None:
    for pair in fitting_data(Risk.PRIVACY).pairs:
        words = set(pair.messages[0].content.split())
        told = [word for word in pair.rejected.rstrip(".").split() if any(letter.isdigit() for letter in word)]
        assert all(word in " ".join(words) for word in told)
        assert not any(word in pair.chosen for word in told)


def test_concepts_differ_in_the_group_alone() -> None:
    concepts = fitting_data(Risk.FAIRNESS).concepts
    groups = {one.group for one in concepts}
    forms = {one.text.replace(one.group, "___") for one in concepts}
    assert len(groups) > 10 and len(concepts) == len(groups) * len(forms)


def test_there_is_nothing_for_what_no_defense_is_for_and_no_corpus() -> None:
    with pytest.raises(RequestError, match="no fitting data for 'utility'"):
        fitting_data(Risk.UTILITY)
    assert not any(fitting_data(risk).corpus for risk in RISKS)
    assert len({fitting_data(risk).checksum for risk in RISKS}) == 3
