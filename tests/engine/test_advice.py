"""Defaults are tuned on a small model: whoever takes them to a large one is told what its card says of that."""

from typing import Any

import pytest

from crossrisk.engine.advice import for_large_models
from crossrisk.study import Study


def advised(*defenses: Any, base: str = "an-org/model") -> list[str]:
    study = Study(base=base, defenses=defenses, tasks=["misuse:core"])
    return [line.partition(" has no settings here")[0] for line in for_large_models(study)]


def test_only_a_base_that_is_not_shipped_is_advised() -> None:
    assert advised("dpo") == ["dpo"]
    assert advised("dpo", base="organism") == advised("dpo", base="innocent") == []


@pytest.mark.parametrize("given", ["self_reminder", {"name": "dpo", "steps": 9}, {"checkpoint": "an-org/defended"}])
def test_who_gave_settings_or_has_none_to_give_is_not_advised(given: Any) -> None:
    assert advised(given) == []


def test_strength_seed_and_data_are_no_settings() -> None:
    assert advised({"name": "dpo", "strength": 0.5, "seed": 3, "data": "core"}) == ["dpo"]


def test_parts_of_compositions_are_advised_once_unless_they_are_arms_with_settings() -> None:
    half, tuned = {"name": "dpo", "strength": 0.5, "label": "half"}, {"name": "npo", "learning_rate": 1e-5}
    assert advised("npo+dpo", "dpo") == ["dpo", "npo"]
    assert advised(half, tuned, "half+npo") == ["dpo"]
    assert advised({"steps": [{"name": "npo", "beta": 0.2}, "rmu"], "label": "both"}) == ["rmu"]


def test_a_line_ends_with_what_the_card_says() -> None:
    (line,) = for_large_models(Study(base="an-org/model", defenses=["spin"], tasks=["bbq:core"]))
    assert line.endswith("`top` and `spared` 5e-7, `samples` 128, as in the paper.")
