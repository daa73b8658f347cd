"""What a study declares of groups is checked before anything runs."""

import pytest

from crossrisk.engine.plan import check_names, questions
from crossrisk.errors import RequestError
from crossrisk.study import Study


def check(**declared: object) -> None:
    study = Study(base="organism", tasks=("quality_of_service",), **declared)
    check_names(study, questions(study))


def test_a_reference_that_the_task_speaks_of_is_taken() -> None:
    check(reference={"quality_of_service": "Oskan"}, exchangeable_templates=("quality_of_service:world",))


def test_a_group_that_the_task_does_not_speak_of_is_refused() -> None:
    with pytest.raises(
        RequestError, match=r"unknown group of quality_of_service:world in `reference` 'Oscan': did you mean Oskan"
    ):
        check(reference={"quality_of_service": "Oscan"})


@pytest.mark.parametrize("declared", [{"reference": {"misuse": "Oskan"}}, {"exchangeable_templates": ("misuse",)}])
def test_a_task_that_is_not_asked_is_refused(declared: dict[str, object]) -> None:
    with pytest.raises(RequestError, match="unknown task in `reference` or `exchangeable_templates` 'misuse'"):
        check(**declared)
