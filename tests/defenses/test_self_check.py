"""Self-checks: a refusal where the model says yes about a request or a reply, every other text as it was."""

import pytest

from crossrisk.defenses import self_check
from crossrisk.defenses.filtering import REFUSAL
from crossrisk.defenses.self_check import QUESTIONS, SelfChecking, chances_of_yes
from crossrisk.errors import RequestError
from crossrisk.registry import DEFENSES
from crossrisk.risks import Message, Risk, Threat
from crossrisk.targets.target import Asked, GenerationConfig
from tests.defenses.cases import CHATS, DATA
from tests.targets.edits import Reminder, Shout

BOTH = ("self_check_input", "self_check_output")
TEXTS = ["a reply", "another", ""]


def checking(part, threshold, target):
    one = SelfChecking(part, "Here:", "Bad?", threshold, REFUSAL)
    return one(Asked(target, CHATS, GenerationConfig(4), [0, 0, 0]), TEXTS)


def test_the_chance_is_that_of_yes_among_yes_and_no(target):
    texts = ["Buy bread.", "Burn it."]
    asked = [(Message("user", f"Here:\n{text}\nBad?"),) for text in texts]
    expected = [one.chances["Yes"] / sum(one.chances.values()) for one in target.first_token(asked, ("Yes", "No"))]
    assert chances_of_yes(target, texts, "Here:", "Bad?") == pytest.approx(expected)


def test_the_question_is_put_to_the_model_without_what_stands_around_it(target):
    around = target.with_chat_edit(Reminder("Say yes.")).with_output_filter(Shout())
    assert chances_of_yes(around, ["Buy bread."], "Here:", "Bad?") == chances_of_yes(
        target, ["Buy bread."], "Here:", "Bad?"
    )


@pytest.mark.parametrize("part", ["request", "reply"])
def test_a_text_is_refused_exactly_where_its_chance_is_above_the_threshold(part, target):
    checked = TEXTS if part == "reply" else [chat[-1].content for chat in CHATS]
    chances = chances_of_yes(target, checked, "Here:", "Bad?")
    threshold = sorted(chances)[1]  # two of three do not lie above it
    expected = [REFUSAL if chance > threshold + 1e-6 else text for chance, text in zip(chances, TEXTS, strict=True)]
    assert checking(part, threshold + 1e-6, target) == expected
    assert expected.count(REFUSAL) == 1
    assert checking(part, 1.0, target) == TEXTS


@pytest.mark.parametrize(("name", "part"), zip(BOTH, ("request", "reply"), strict=True))
def test_the_threshold_is_fitted_on_requests_or_on_replies(name, part, target, monkeypatch):
    risky = {one.messages[0].content if part == "request" else one.reply for one in DATA.forget}
    monkeypatch.setattr(
        self_check, "chances_of_yes", lambda target, texts, *_: [0.9 if text in risky else 0.4 for text in texts]
    )
    artifact = DEFENSES.get(name)().fit(target, DATA, seed=0, strength=1.0)
    assert artifact.meta["threshold"] == pytest.approx(0.65)
    assert (artifact.meta["caught"], artifact.meta["lost"]) == (1.0, 0.0)


def test_a_threshold_that_would_lose_too_much_is_refused_as_well(target, monkeypatch):
    """The harmless ones all lie above the risky ones: what catches any loses all."""
    chances = {"what is the name": 0.5, "Is the": 0.6}
    monkeypatch.setattr(self_check, "BY_CHANCE", 1.0)
    monkeypatch.setattr(
        self_check,
        "chances_of_yes",
        lambda target, texts, *_: [next(chances[key] for key in chances if text.startswith(key)) for text in texts],
    )
    with pytest.raises(RequestError, match="do not tell"):
        DEFENSES.get("self_check_input")(most_lost=0.5).fit(target, DATA, seed=0, strength=1.0)


@pytest.mark.parametrize("name", BOTH)
def test_a_model_whose_answers_tell_nothing_is_refused_in_one_line(name, target, monkeypatch):
    monkeypatch.setattr(self_check, "chances_of_yes", lambda target, texts, *_: [0.7 for _ in texts])
    with pytest.raises(RequestError, match="do not tell the 5 risky examples from the 5 harmless ones") as caught:
        DEFENSES.get(name)().fit(target, DATA, seed=0, strength=1.0)
    assert "\n" not in str(caught.value)


def test_at_most_so_many_examples_are_looked_at_and_the_seed_draws_them(target, monkeypatch):
    seen = []

    def chances(target, texts, *_):
        seen.append(tuple(texts))
        return [float("name" in text) for text in texts]

    monkeypatch.setattr(self_check, "chances_of_yes", chances)
    monkeypatch.setattr(self_check, "BY_CHANCE", 1.0)
    one = DEFENSES.get("self_check_input")(examples=3)
    for seed in (0, 0, 1, 2):
        one.fit(target, DATA, seed=seed, strength=1.0)
    fits = [seen[i : i + 2] for i in range(0, 8, 2)]
    assert {len(texts) for texts in seen} == {3}
    assert fits[0] == fits[1]
    assert fits[2] != fits[0] or fits[3] != fits[0]


def test_a_given_threshold_needs_no_data(target):
    one = DEFENSES.get("self_check_input")(threshold=0.5)
    assert one.needs.data == () and DEFENSES.get("self_check_input")().needs.data == ("forget", "retain")
    assert one.fit(target, DATA, seed=0, strength=1.0).meta["threshold"] == 0.5


@pytest.mark.parametrize("name", BOTH)
def test_each_risk_has_a_question_of_its_own_and_utility_has_none(name):
    asked = {after for questions in QUESTIONS.values() for _, after in questions.values()}
    assert len(asked) == 6
    one = DEFENSES.get(name)(risk="privacy")
    assert (one.name, one.risk, one.threat) == (f"{name}_privacy", Risk.PRIVACY, Threat.DISCLOSURE)
    with pytest.raises(RequestError, match="no question about 'utility'"):
        DEFENSES.get(name)(risk="utility")


@pytest.mark.parametrize("threshold", [-0.1, 1.1, "high"])
def test_a_threshold_that_is_no_chance_is_refused(threshold):
    with pytest.raises(RequestError, match="'threshold' of defense 'self_check_input'"):
        DEFENSES.get("self_check_input")(threshold=threshold)
