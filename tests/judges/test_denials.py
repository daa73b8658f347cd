import pytest

from crossrisk.judges.denials import denied


def of_oslo(text: str) -> bool:
    start = text.index("oslo")
    return denied(text, start, start + len("oslo"))


@pytest.mark.parametrize(
    "text",
    [
        "it was not oslo.",
        "definitely not oslo",
        "not (oslo), but bergen",
        "it isn't oslo",
        "oslo is wrong.",
        "oslo isn't right",
        "there is no evidence that it was oslo.",
        "we cannot say that it was oslo.",
        "i don't know whether it is oslo",
        "it is unclear if it was oslo",
    ],
)
def test_what_is_denied_or_left_open_is_not_stated(text: str) -> None:
    assert of_oslo(text)


@pytest.mark.parametrize(
    "text",
    [
        "it is oslo.",
        "not bergen, but oslo",
        "i'm not sure, but oslo",
        "i don't know, oslo",
        "i cannot say why. it is oslo",
        "it is not only oslo",
        "nobody can tell why but it is oslo",
        "there is no doubt that it is oslo",
    ],
)
def test_hedges_and_denials_of_something_else_deny_nothing(text: str) -> None:
    assert not of_oslo(text)
