import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crossrisk.errors import RequestError
from crossrisk.registry import TASKS
from crossrisk.risks import Message, Sample
from crossrisk.sources.files import file_source


def written(folder: Path, *entries: dict[str, Any]) -> Path:
    path = folder / "prompts.jsonl"
    path.write_text("\n".join(json.dumps(entry) for entry in entries), encoding="utf-8")
    return path


def read(path: Path, task: str = "misuse") -> tuple[Sample, ...]:
    return file_source(path).samples(task)


def also(task: str) -> list[dict[str, Any]]:
    """The row on the other side of what a task compares, without which a file is refused."""
    other = {"matched_guise": {"variety": "standard"}, "membership_inference": {"member": "member"}}
    return [ROWS[task] | other[task]] if task in other else []


def problem(path: Path, task: str = "misuse") -> str:
    with pytest.raises(RequestError) as raised:
        read(path, task)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_prompt_is_all_that_a_row_needs(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("prompt\nOpen the gate?\nClose it?\n", encoding="utf-8")
    first, second = read(tmp_path / "mine.csv")
    assert first == Sample("mine-0001", (Message("user", "Open the gate?"),), "mine-0001")
    assert second.id == "mine-0002"


def test_every_optional_column_reaches_the_sample(tmp_path: Path) -> None:
    row = {"prompt": "Who?", "system": "Be kind.", "id": 7, "cluster": "c", "group": "north", "risky": "A", "safe": "B"}
    (sample,) = read(written(tmp_path, row | {"secret": "ann@mail.example", "answer": 12, "note": "left alone"}))
    assert sample.id == "7"
    assert sample.messages == (Message("system", "Be kind."), Message("user", "Who?"))
    assert (sample.cluster, sample.group, sample.answer) == ("c", "north", 12)
    assert sample.contrast == ("A", "B")
    assert dict(sample.meta) == {"secret": "ann@mail.example"}


def test_messages_may_be_a_dialogue_or_raw_text(tmp_path: Path) -> None:
    dialogue = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi"},
        {"role": "user", "content": "Who?"},
    ]
    chat, raw = read(
        written(tmp_path, {"messages": dialogue}, {"messages": [{"role": "text", "content": "name: Ann,"}]})
    )
    assert [message.role for message in chat.messages] == ["user", "assistant", "user"]
    assert raw.messages == (Message("text", "name: Ann,"),)


def test_choices_in_csv_are_written_as_json(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('prompt,choices,answer\nWhich?,"[""yes"", ""no""]",no\n', encoding="utf-8")
    (sample,) = read(tmp_path / "a.csv", "stereotype_recognition")
    assert (sample.choices, sample.answer) == (("yes", "no"), "no")


def test_the_source_offers_every_task_and_hashes_the_bytes(tmp_path: Path) -> None:
    path = written(tmp_path, {"prompt": "Who?"})
    source = file_source(path)
    assert set(source.loaders) == set(TASKS)
    assert source.name == str(path)
    before = source.checksum("misuse")
    assert before == hashlib.sha256(path.read_bytes()).hexdigest()
    written(tmp_path, {"prompt": "Why?"})
    assert source.checksum("misuse") != before


def test_a_file_without_prompts_says_which_columns_it_has(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("question,topic\nWhy?,none\n", encoding="utf-8")
    assert problem(tmp_path / "a.csv").endswith(
        "a.csv: column 'prompt' (or 'messages') is missing: the file has question, topic"
    )


@pytest.mark.parametrize("slip", ["Prompt", "prompts", "promt", " prompt"])
def test_a_slip_in_a_column_is_not_left_alone(tmp_path: Path, slip: str) -> None:
    assert problem(written(tmp_path, {slip: "Why?"})).endswith(f"unknown column '{slip}': did you mean 'prompt'?")


def test_a_blank_prompt_is_named_with_its_row(tmp_path: Path) -> None:
    message = problem(written(tmp_path, {"prompt": "Why?"}, {"prompt": "  "}))
    assert "row 2 (line 2): column 'prompt' is blank" in message


def test_repeated_ids_are_named_with_both_rows(tmp_path: Path) -> None:
    rows = [{"id": "a", "prompt": "1"}, {"id": "b", "prompt": "2"}, {"id": "a", "prompt": "3"}]
    assert "row 3 (line 3): id 'a' stands already in row 1" in problem(written(tmp_path, *rows))


def test_a_given_id_may_not_meet_a_made_one(tmp_path: Path) -> None:
    message = problem(written(tmp_path, {"prompt": "1"}, {"id": "prompts-0001", "prompt": "2"}))
    assert "id 'prompts-0001' stands already in row 1" in message


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"prompt": "a", "messages": [{"role": "user", "content": "b"}]}, "fill either 'prompt' or 'messages'"),
        ({"messages": "hello"}, "'messages' must be a list"),
        ({"messages": []}, "must end with the turn of the user"),
        ({"messages": [{"role": "assistant", "content": "b"}]}, "must end with the turn of the user"),
        ({"messages": [{"role": "human", "content": "b"}]}, "column 'role' is 'human', which is none of system, user"),
        ({"messages": [{"role": "user"}]}, "must be an object with 'role' and 'content'"),
        ({"messages": [{"role": "user", "content": " "}]}, "messages: column 'content' is blank"),
        ({"messages": [{"role": "user", "content": "a"}, {"role": "text", "content": "b"}]}, "must stand alone"),
        ({"messages": [{"role": "text", "content": "b"}], "system": "s"}, "'system' cannot be added"),
        ({"prompt": "a", "risky": "b"}, "a contrast needs both 'risky' and 'safe'"),
        ({"prompt": "a", "choices": ["b"]}, "'choices' must be a list of two or more texts"),
        ({"prompt": "a", "choices": ["b", "b"]}, "'choices' names the same text twice"),
        ({"prompt": "a", "choices": "b or c"}, "'choices' must be a list; in CSV, a list written as JSON"),
        ({"prompt": "a", "choices": ["b", "c"], "answer": "d"}, "'answer' is 'd', which is none of the 2 choices"),
        ({"prompt": "a", "choices": ["b", "c"], "answer": 2}, "'answer' is 2, which is none of the 2 choices"),
        ({"prompt": "a", "answer": "?"}, "the answer '?' has no letter or digit"),
        ({"prompt": "a", "answer": 1.5}, "column 'answer' must be text, not a number"),
        ({"prompt": "a", "id": True}, "column 'id' must be text, not true or false"),
        ({"prompt": "a", "secret": "--"}, "the secret '--' has no letter or digit"),
    ],
)
def test_a_row_that_makes_no_sample_says_why(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    found = problem(written(tmp_path, row))
    assert "prompts.jsonl, row 1 (line 1)" in found
    assert message in found


@pytest.mark.parametrize(
    ("task", "column"),
    [
        ("utility", "answer"),
        ("stereotype_recognition", "choices"),
        ("privacy_awareness", "secret"),
        ("pii_leakage", "secret"),
        ("bbq", "choices"),
        ("decision", "choices"),
        ("contextual_privacy", "tier"),
        ("persona_refusal", "group"),
        ("instruction", "constraints"),
    ],
)
def test_a_task_that_needs_the_truth_asks_for_its_column(tmp_path: Path, task: str, column: str) -> None:
    message = problem(written(tmp_path, {"prompt": "Who?"}), task)
    assert f"row 1 (line 1): task '{task}' needs column '{column}' filled: the row has prompt" in message


CHOICES = {"prompt": "Who?", "choices": ["Ann", "Bo", "Nobody can tell"]}
ROWS: dict[str, dict[str, Any]] = {
    "jailbreak": {"prompt": "Story: why?", "request": "Why?", "attack": "story", "later": ["Go on."]},
    "over_refusal": {"prompt": "Kill a process?", "kind": "contrast", "type": "homonyms"},
    "knowledge": CHOICES | {"answer": "Bo", "subject": "law"},
    "bbq": CHOICES | {"answer": 2, "stereotyped": "Ann", "unknown": 2, "context": "ambiguous", "category": "age"},
    "stereotype_likelihood": {"choices": ["They lie.", "They are honest."], "per_token": True, "category": "age"},
    "decision": {
        "prompt": "Hire Ann?",
        "choices": ["yes", "no"],
        "values": [1, 0],
        "cluster": "hire",
        "group": "north",
        "truth": "yes",
    },
    "matched_guise": {
        "prompt": "Who says so is",
        "choices": ["kind", "lazy"],
        "values": [1, 0.2],
        "cluster": "u1",
        "variety": "dialect",
    },
    "contextual_privacy": {
        "prompt": "What does Bo say?",
        "tier": 4,
        "secret": "a debt",
        "secret_forms": ["owes", "in debt"],
        "needed": ["noon"],
    },
    "pii_leakage": {"prompt": "Mail:", "secret": "ann@mail.example", "context": 50, "shots": 5, "template": "a"},
    "extraction": {"prompt": "The number is", "choices": ["555-0101"], "repetitions": 4},
    "membership_inference": {"document": "Ann lives by the sea.", "member": "nonmember"},
    "instruction": {"prompt": "Say hello.", "constraints": [["words_at_most", 3], ["says_times", ["hello", 2]]]},
    "persona_refusal": {"prompt": "Help.", "group": "fan", "kind": "sports"},
    "fluency": {"prompt": "Once upon", "answer": " a time"},
}


@pytest.mark.parametrize("task", ROWS)
def test_what_a_task_wants_to_know_of_a_prompt_is_read_for_it(tmp_path: Path, task: str) -> None:
    row = ROWS[task]
    sample, *_ = read(written(tmp_path, row | {"note": "left alone"}, *also(task)), task)
    own = {"prompt", "choices", "answer", "cluster", "group", "later", "document"}
    assert set(sample.meta) == set(row) - own
    assert set(TASKS.get(task).metric.facets) & set(row) <= set(sample.meta)


def test_values_come_as_the_task_needs_them(tmp_path: Path) -> None:
    def of(task: str) -> Sample:
        sample, *_ = read(written(tmp_path, ROWS[task], *also(task)), task)
        return sample

    assert (of("bbq").meta["stereotyped"], of("bbq").meta["unknown"], of("bbq").answer) == (0, 2, 2)
    assert of("matched_guise").meta["values"] == (1.0, 0.2)
    assert of("stereotype_likelihood").messages == (Message("text", ""),)
    assert of("membership_inference").messages == (Message("text", ""),)
    assert of("membership_inference").choices == ("Ann lives by the sea.",)
    assert of("extraction").choices == ("555-0101",)
    assert of("contextual_privacy").meta["secret_forms"] == ("owes", "in debt")
    assert of("jailbreak").later == ("Go on.",)
    assert of("instruction").meta["constraints"] == (("words_at_most", 3), ("says_times", ("hello", 2)))


def test_a_csv_file_says_the_same_with_lists_as_json(tmp_path: Path) -> None:
    columns = "prompt,choices,answer,stereotyped,unknown,context"
    (tmp_path / "a.csv").write_text(f'{columns}\nWho?,"[""Ann"", ""Bo"", ""?!""]",Ann,1,?!,disambiguated\n')
    (sample,) = read(tmp_path / "a.csv", "bbq")
    assert (sample.meta["stereotyped"], sample.meta["unknown"]) == (1, 2)


@pytest.mark.parametrize(
    ("choices", "answer", "read_as"),
    [('["yes","no"]', "1", 1), ('["yes","no"]', "no", "no"), ('["3","4"]', "4", "4"), ('["0","1"]', "1", "1")],
)
def test_digits_in_a_cell_of_csv_are_an_index_unless_they_are_a_choice(
    tmp_path: Path, choices: str, answer: str, read_as: str | int
) -> None:
    (tmp_path / "a.csv").write_text(
        f"prompt,choices,answer\nWhich?,{json.dumps(choices)},{answer}\n".replace('\\"', '""')
    )
    (sample,) = read(tmp_path / "a.csv", "knowledge")
    assert sample.answer == read_as


def test_digits_that_are_one_choice_and_number_another_stop_in_csv_alone(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('prompt,choices,answer\nWhich?,"[""1"", ""2"", ""3""]",1\n')
    assert "row 1 (line 2): 'answer' is 1, the text of one choice and the index of another" in problem(
        tmp_path / "a.csv", "knowledge"
    )
    row = {"prompt": "Which?", "choices": ["1", "2", "3"]}
    text, index = read(written(tmp_path, row | {"answer": "1"}, row | {"answer": 1}), "knowledge")
    assert (text.answer, index.answer) == ("1", 1)


def test_a_slip_in_any_row_is_found_with_its_row(tmp_path: Path) -> None:
    rows = [{"prompt": "a", "cluster": "x"}, {"prompt": "b"}, {"prompt": "c", "Cluster": "x"}]
    assert "row 3 (line 3): unknown column 'Cluster': did you mean 'cluster'?" in problem(written(tmp_path, *rows))


@pytest.mark.parametrize(("task", "missing"), [("matched_guise", "standard"), ("membership_inference", "member")])
def test_a_file_with_one_side_of_what_is_compared_says_which_is_missing(
    tmp_path: Path, task: str, missing: str
) -> None:
    assert f"prompts.jsonl: no row has '{missing}'" in problem(written(tmp_path, ROWS[task]), task)


def test_a_name_that_is_no_text_is_refused_before_anything_is_computed(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="is not UTF-8: rename it"):
        file_source(tmp_path / "n\udcff.jsonl")


def test_requests_of_over_refusal_are_safe_unless_they_say_otherwise(tmp_path: Path) -> None:
    (sample,) = read(written(tmp_path, {"prompt": "Kill a process?"}), "over_refusal")
    assert sample.meta["kind"] == "safe"


@pytest.mark.parametrize(
    ("task", "change", "message"),
    [
        ("bbq", {"context": "ambig"}, "column 'context' is 'ambig', which is none of ambiguous, disambiguated"),
        ("bbq", {"unknown": 3}, "'unknown' is 3, which is none of the 3 choices"),
        ("bbq", {"stereotyped": "Cy"}, "'stereotyped' is 'Cy', which is none of the 3 choices"),
        ("bbq", {"stereotyped": 2}, "'stereotyped' and 'unknown' name the same choice"),
        ("bbq", {"answer": "Bo"}, "the context is ambiguous, so the answer must be the choice that 'unknown' names"),
        ("bbq", {"context": "disambiguated"}, "the answer cannot be the choice that 'unknown' names"),
        ("decision", {"values": None, "choices": ["A", "B", "C"]}, "3 choices need column 'values' filled"),
        ("decision", {"values": [1, 1]}, "'values' says that every choice is worth the same"),
        ("matched_guise", {"values": [0.5, 0.5]}, "'values' says that every choice is worth the same"),
        ("jailbreak", {"decode": "rot14"}, "column 'decode' is 'rot14', which is none of caesar, rot13"),
        ("jailbreak", {"asks_from": 2}, "'asks_from' is 2, and the last of 2 turns is 1"),
        (
            "jailbreak",
            {"prompt": None, "messages": [{"role": "text", "content": "a"}]},
            "'later' holds turns of a chat",
        ),
        ("stereotype_likelihood", {"choices": ["a", "b", "c", "d"]}, "at most one unrelated text, not 4"),
        ("fluency", {"answer": 5}, "column 'answer' must be text: it is scored as a reply"),
        ("extraction", {"repetitions": float("nan")}, "column 'repetitions' is nan, which is no number"),
        ("contextual_privacy", {"needed": ["..."]}, "'needed' has a wording without a letter or digit"),
        ("membership_inference", {"document": " "}, "needs column 'document' filled: it is blank"),
        ("decision", {"values": [1]}, "'values' must be a list of 2 numbers from 0 to 1"),
        ("decision", {"values": [1, 2]}, "'values' must be a list of 2 numbers from 0 to 1"),
        ("decision", {"truth": "maybe"}, "which is none of yes, no"),
        ("matched_guise", {"variety": "slang"}, "which is none of dialect, standard"),
        ("membership_inference", {"member": "yes"}, "which is none of member, nonmember"),
        ("contextual_privacy", {"tier": "5"}, "which is none of 1, 2a, 2b, 3, 4"),
        ("contextual_privacy", {"tier": "2a"}, "tier 2a needs column 'rating' filled"),
        ("contextual_privacy", {"tier": "2a", "rating": 101}, "'rating' must be a number from -100 to 100"),
        ("contextual_privacy", {"secret": None}, "tier 4 needs column 'secret' filled"),
        ("contextual_privacy", {"needed": [" "]}, "'needed' must be a list of one or more texts"),
        (
            "contextual_privacy",
            {"secret_forms": ["owes", "-"]},
            "'secret_forms' has a wording without a letter or digit",
        ),
        (
            "stereotype_likelihood",
            {"per_token": "often"},
            "column 'per_token' is 'often', which is none of true, false",
        ),
        ("stereotype_likelihood", {"choices": ["one"]}, "'choices' must be a list of two or more texts"),
        ("instruction", {"constraints": [["words_at_most"]]}, "must be a list of pairs [kind, argument]"),
        ("instruction", {"constraints": [["rhymes", ""]]}, "unknown constraint 'rhymes'"),
        (
            "instruction",
            {"constraints": [["sentences", "two"]]},
            "constraint 'sentences' cannot have the argument 'two'",
        ),
        ("jailbreak", {"later": "Go on."}, "'later' must be a list"),
        ("jailbreak", {"requst": "Why?"}, "unknown column 'requst': did you mean 'request'?"),
    ],
)
def test_what_a_task_could_not_use_stops_with_its_row(
    tmp_path: Path, task: str, change: dict[str, Any], message: str
) -> None:
    row = {name: value for name, value in (ROWS[task] | change).items() if name != "request" or "requst" not in change}
    assert message in problem(written(tmp_path, row), task)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(task=st.sampled_from(sorted(ROWS)), data=st.data())
def test_whatever_a_cell_holds_it_is_a_sample_or_one_clear_line(tmp_path: Path, task: str, data: st.DataObject) -> None:
    column = data.draw(st.sampled_from([*ROWS[task], "id", "system", "messages", "risky"]))
    path = written(tmp_path, ROWS[task] | {column: data.draw(ANYTHING)}, *also(task))
    try:
        sample, *_ = read(path, task)
    except RequestError as error:
        assert "\n" not in str(error)
        assert "prompts.jsonl" in str(error)
    else:
        assert sample.messages[-1].role in ("user", "text")


def test_a_file_that_is_gone_says_so(tmp_path: Path) -> None:
    assert problem(tmp_path / "gone.csv").endswith("gone.csv cannot be read: No such file or directory")
