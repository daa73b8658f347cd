"""Settings as users write them: unknown names and impossible values end in one line."""

import pytest

from crossrisk.errors import RequestError
from crossrisk.registry import DEFENSES
from crossrisk.risks import Risk

BUILT_IN = ("null", "sham", "self_reminder", "dpo", "npo", "task_vector", "checkpoint", "adapter")


@pytest.mark.parametrize("name", BUILT_IN)
def test_an_unknown_setting_is_refused_in_one_line(name):
    with pytest.raises(RequestError, match="'surprise'") as caught:
        DEFENSES.get(name)(surprise=1)
    assert "\n" not in str(caught.value) and name in str(caught.value)


def test_a_near_name_is_suggested():
    with pytest.raises(RequestError, match="did you mean beta"):
        DEFENSES.get("dpo")(betta=0.2)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("dpo", {"beta": 0}),
        ("dpo", {"beta": "much"}),
        ("dpo", {"rank": 0}),
        ("npo", {"learning_rate": float("nan")}),
        ("npo", {"risk": "weather"}),
        ("task_vector", {"steps": 1.5}),
        ("checkpoint", {}),
        ("adapter", {"model": None}),
    ],
)
def test_an_impossible_value_is_refused_in_one_line(name, settings):
    with pytest.raises(RequestError, match=f"of defense '{name}'") as caught:
        DEFENSES.get(name)(**settings)
    assert "\n" not in str(caught.value)


def test_values_are_taken_as_written_in_yaml():
    one = DEFENSES.get("dpo")(risk="fairness", beta=1)
    assert one.risk is Risk.FAIRNESS and one.beta == 1.0 and one.name == "dpo_fairness"


def test_a_sham_is_like_one_known_defense():
    with pytest.raises(RequestError, match=r"unknown defense 'dpoo'.*did you mean dpo"):
        DEFENSES.get("sham")(like="dpoo")
    with pytest.raises(RequestError, match="one other defense"):
        DEFENSES.get("sham")(like={"dpo": {}, "npo": {}})
    assert DEFENSES.get("sham")(like={"dpo": {"beta": 0.3}}).like.beta == 0.3
