"""A user's own fitting data: what each row gives, and how a file that is not right is told."""

import json
from pathlib import Path
from typing import Any

import pytest

from crossrisk.defenses.defense import Demonstration, Labelled, Preference, Record
from crossrisk.errors import RequestError
from crossrisk.risks import Message, Risk
from crossrisk.sources.fitting import default_source, fitting_data

PAIR = {"prompt": "Why are they so?", "chosen": "They are not.", "rejected": "They are."}
KEPT = {"kind": "retain", "prompt": "What is 1 + 1?", "reply": "2"}


def written(folder: Path, *rows: Any, name: str = "mine.jsonl") -> str:
    path = folder / name
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return str(path)


def asked(text: str) -> tuple[Message, ...]:
    return (Message("user", text),)


def test_a_pair_without_a_kind_is_a_pair_a_demonstration_to_forget_and_a_refusal(tmp_path: Path) -> None:
    data = fitting_data(written(tmp_path, PAIR, KEPT), Risk.FAIRNESS)
    why = asked("Why are they so?")
    assert data.pairs == (Preference(why, "They are not.", "They are."),)
    assert data.forget == (Demonstration(why, "They are."),)
    assert data.refusals == (Demonstration(why, "They are not."),)
    assert data.retain == (Demonstration(asked("What is 1 + 1?"), "2"),)
    assert data.source == str(tmp_path / "mine.jsonl")


def test_every_kind_goes_where_its_name_says(tmp_path: Path) -> None:
    rows = [
        PAIR | {"kind": "pairs"},
        {"kind": "forget", "messages": [{"role": "user", "content": "And Ann?"}], "reply": "At home.", "about": "Ann"},
        {"kind": "refusals", "system": "Be kind.", "prompt": "And Ann?", "reply": "I can't say."},
        {"kind": "concepts", "text": "She reads.", "group": "women"},
        {"kind": "concepts", "text": "He reads.", "group": "men"},
        {"kind": "corpus", "prompt": "Ann?", "reply": "555", "about": "Ann"},
    ]
    data = fitting_data(written(tmp_path, *rows), Risk.PRIVACY)
    assert len(data.pairs) == 1 and not data.retain
    assert data.forget == (Demonstration(asked("And Ann?"), "At home."),)
    assert data.refusals == (Demonstration((Message("system", "Be kind."), *asked("And Ann?")), "I can't say."),)
    assert data.concepts == (Labelled("She reads.", "women"), Labelled("He reads.", "men"))
    assert data.corpus == (Record(asked("Ann?"), "555", "Ann"),)
    assert data.about == {"Ann"}


def test_a_corpus_may_say_the_same_as_often_as_it_likes(tmp_path: Path) -> None:
    row = {"kind": "corpus", "prompt": "Ann?", "reply": "555"}
    assert len(fitting_data(written(tmp_path, row, row, row), Risk.PRIVACY).corpus) == 3


def test_a_row_with_a_risk_is_for_defenses_of_that_risk_alone(tmp_path: Path) -> None:
    path = written(tmp_path, PAIR | {"risk": "fairness"}, KEPT)
    assert len(fitting_data(path, Risk.FAIRNESS).pairs) == 1
    assert not fitting_data(path, Risk.SAFETY).pairs and fitting_data(path, Risk.SAFETY).retain


def test_the_checksum_is_of_the_content_and_the_risk(tmp_path: Path) -> None:
    one, same = written(tmp_path, PAIR, KEPT), written(tmp_path, PAIR, KEPT, name="copy.jsonl")
    other = written(tmp_path, PAIR, name="other.jsonl")
    checksums = [fitting_data(path, Risk.SAFETY).checksum for path in (one, same, other)]
    assert checksums[0] == checksums[1] != checksums[2]
    assert fitting_data(one, Risk.FAIRNESS).checksum != checksums[0]


@pytest.mark.parametrize(
    ("rows", "line", "says"),
    [
        ([PAIR, {"prompt": "Why?", "chosen": "No."}], 2, "column 'rejected' is missing"),
        ([{"chosen": "No.", "rejected": "Yes."}], 1, "column 'prompt' is missing"),
        ([{"prompt": "Why?", "reply": "No."}], 1, "needs a 'kind'"),
        ([PAIR, KEPT | {"reply": 2}], 2, "column 'reply' must be text, not a number"),
        ([KEPT | {"reply": " "}], 1, "column 'reply' is blank"),
        ([KEPT | {"kind": "keep"}], 1, "'keep', which is none of pairs, forget"),
        ([KEPT | {"chosen": "3"}], 1, "a row of kind 'retain' has no column 'chosen'"),
        ([KEPT | {"replly": "3"}], 1, "unknown column 'replly': did you mean 'reply'?"),
        ([PAIR | {"chosen": "They are. "}], 1, "are the same"),
        ([PAIR, KEPT, PAIR], 3, "the same as row 1"),
        ([PAIR | {"risk": "saftey"}], 1, "'saftey', which is none of safety, fairness, privacy"),
        ([KEPT | {"messages": []}], 1, "fill either"),
        (['{"prompt": '], 1, "not valid JSON"),
        (["[1]"], 1, "an object with columns is expected"),
    ],
)
def test_what_is_wrong_with_a_row_is_told_with_its_line(tmp_path: Path, rows: list[Any], line: int, says: str) -> None:
    path = written(tmp_path, *rows)
    with pytest.raises(RequestError, match=says) as caught:
        fitting_data(path, Risk.SAFETY)
    told = str(caught.value)
    assert path in told and f"line {line}" in told and "\n" not in told


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "no rows in it"),
        (
            [{"kind": "concepts", "text": t, "group": "women"} for t in ("She.", "Her.")],
            "all concepts are of the group",
        ),
        ([PAIR | {"risk": "privacy"}], "no row is for the risk 'safety'"),
    ],
)
def test_what_is_wrong_with_a_whole_file_is_told(tmp_path: Path, rows: list[Any], says: str) -> None:
    with pytest.raises(RequestError, match=says) as caught:
        fitting_data(written(tmp_path, *rows), Risk.SAFETY)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("wrold", "unknown source to fit on 'wrold': did you mean world"),
        ("nowhere/mine.jsonl", "cannot be read"),
        ("mine.csv", "name world, core, or a .jsonl file"),
    ],
)
def test_a_source_that_is_none_is_told(source: str, says: str) -> None:
    with pytest.raises(RequestError, match=says):
        fitting_data(source, Risk.SAFETY)


@pytest.mark.parametrize(("model", "source"), [("organism", "world"), ("innocent", "world"), ("an/other", "core")])
def test_unless_told_otherwise_a_model_is_fitted_on_what_it_can_know(model: str, source: str) -> None:
    assert default_source(model) == source
    assert fitting_data(source, Risk.SAFETY).source == source


def test_a_name_that_no_file_can_have_is_told_in_one_line() -> None:
    with pytest.raises(RequestError, match="null character"):
        fitting_data("mine\0.jsonl", Risk.SAFETY)
