import csv
import gzip
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossrisk.errors import RequestError
from crossrisk.sources.reading import Row, document, lines, objects, parse, unique, visible


def test_the_three_formats_give_the_same_rows() -> None:
    table = b'prompt,group\n"How, then?",north\nWhy?,south\n'
    entries = [{"prompt": "How, then?", "group": "north"}, {"prompt": "Why?", "group": "south"}]
    lines = "\n\n".join(json.dumps(entry) for entry in entries).encode()
    for file, content in (("a.csv", table), ("a.json", json.dumps(entries).encode()), ("a.jsonl", lines)):
        rows = parse(content, file, ("prompt", "group"))
        assert [dict(row.values) for row in rows] == entries
        assert [row.number for row in rows] == [1, 2]


def test_a_byte_order_mark_belongs_to_no_column() -> None:
    assert parse(b"\xef\xbb\xbfprompt\nWhy?\n", "a.csv")[0].values == {"prompt": "Why?"}


def test_a_row_is_named_by_its_number_and_the_line_on_which_it_begins() -> None:
    rows = parse(b'prompt\n"two\nlines"\n\nWhy?\n', "a.csv")
    assert [row.where for row in rows] == ["a.csv, row 1 (line 2)", "a.csv, row 2 (line 5)"]


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("a.csv", b"", "a.csv: no rows in it"),
        ("a.csv", b"prompt\n", "a.csv: no rows in it"),
        ("a.json", b"", "a.json: no rows in it"),
        ("a.json", b"[]", "a.json: no rows in it"),
        ("a.jsonl", b"\n\n", "a.jsonl: no rows in it"),
        ("a.csv", b"prompt\nok\n\xff\xfe\n", "a.csv, line 3: byte 10 is not UTF-8"),
        ("a.jsonl", '{"prompt": "ä"}'.encode("latin-1"), "a.jsonl, line 1: byte 12 is not UTF-8"),
        ("a.csv", b"prompt,prompt\na,b\n", "a.csv: the header names column 'prompt' twice"),
        ("a.csv", b"prompt,id\na,1\nb, c,2\n", "a.csv, row 2 (line 3): 3 cells under 2 columns"),
        ("a.csv", b"prompt,id\na\n", "a.csv, row 1 (line 2): 1 cells under 2 columns"),
        ("a.csv", b'prompt\n"open\n', "a.csv, row 1 (line 2): not valid CSV"),
        ("a.csv", b"question\na\n", "a.csv, row 1 (line 2): column 'prompt' is missing: the row has question"),
        ("a.json", b'{"prompt": "a"}', "a.json: a list of objects is expected, not an object"),
        ("a.json", b'["a"]', "a.json, row 1: an object with columns is expected, not text"),
        ("a.json", b'[{"prompt": "a"},\n {"prompt" "b"}]', "a.json, line 2, column 12: not valid JSON"),
        ("a.jsonl", b'{"prompt": "a"}\n\n{"prompt": \n', "a.jsonl, line 3, column 12: not valid JSON"),
        (
            "a.jsonl",
            b'{"prompt": "a"}\n[1]\n',
            "a.jsonl, row 2 (line 2): an object with columns is expected, not a list",
        ),
        (
            "a.jsonl",
            b'{"prompt": "a"}\n{"id": 2}\n',
            "a.jsonl, row 2 (line 2): column 'prompt' is missing: the row has id",
        ),
        ("a.json", b"[" * 100_000, "a.json, line 1: nested too deeply"),
        ("a.txt", b"why", "a.txt: cannot read '.txt' files: give .csv, .json, .jsonl"),
        ("prompts", b"why", "prompts: cannot read '' files"),
    ],
)
def test_broken_content_says_where_it_is_broken(file: str, content: bytes, message: str) -> None:
    with pytest.raises(RequestError) as raised:
        parse(content, file, ("prompt",))
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "is missing"),
        ("", "is blank"),
        (" \t\n", "is blank"),
        ("\u200b", "is blank"),
        (7, "must be text, not a number"),
        (["a"], "must be text, not a list"),
        (True, "must be text, not true or false"),
        ("a\ud800", "half of a surrogate pair"),
    ],
)
def test_a_cell_that_is_no_text_is_named_with_its_row(value: object, problem: str) -> None:
    row = Row("a.json, row 3", 3, {"prompt": value})
    with pytest.raises(RequestError, match=f"a.json, row 3: column 'prompt' (holds )?{problem}"):
        row.text("prompt")


def test_a_blank_optional_cell_is_nothing() -> None:
    row = Row("a.csv, row 1", 1, {"group": " ", "cluster": "c"})
    assert (row.optional("group"), row.optional("cluster"), row.optional("other")) == (None, "c", None)


def test_a_text_outside_the_known_ones_is_named() -> None:
    row = Row("a.csv, row 1", 1, {"label": "unsave"})
    with pytest.raises(RequestError, match="column 'label' is 'unsave', which is none of safe, unsafe"):
        row.one_of("label", {"safe": 0, "unsafe": 1})


TEXT = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00\r"), min_size=1).filter(visible)


@given(st.lists(TEXT, min_size=1, max_size=6))
def test_what_a_csv_writer_writes_is_read_back(prompts: list[str]) -> None:
    written = io.StringIO(newline="")
    writer = csv.writer(written, quoting=csv.QUOTE_ALL)
    writer.writerows([["prompt"], *([prompt] for prompt in prompts)])
    rows = parse(written.getvalue().encode(), "a.csv")
    assert [row.text("prompt") for row in rows] == prompts


@given(st.lists(TEXT, min_size=1, max_size=6), st.booleans())
def test_what_a_json_writer_writes_is_read_back(prompts: list[str], ascii_only: bool) -> None:
    lines = "\n".join(json.dumps({"prompt": prompt}, ensure_ascii=ascii_only) for prompt in prompts)
    assert [row.text("prompt") for row in parse(lines.encode(), "a.jsonl")] == prompts


@given(st.binary(max_size=200), st.sampled_from(["a.csv", "a.json", "a.jsonl"]))
def test_any_bytes_are_rows_or_a_request_error(content: bytes, file: str) -> None:
    try:
        assert parse(content, file)
    except RequestError as error:
        assert str(error).startswith("a.")


@pytest.mark.parametrize("content", [b"one\ntwo\tand\n", b"one\r\ntwo\tand", b"\xef\xbb\xbfone\ntwo\tand"])
def test_lines_are_rows_without_their_ends(content: bytes) -> None:
    rows = lines(content, "a.txt")
    assert [row.text("line") for row in rows] == ["one", "two\tand"]
    assert [row.where for row in rows] == ["a.txt, line 1", "a.txt, line 2"]


def test_a_blank_line_is_no_text_and_a_file_without_lines_is_none() -> None:
    with pytest.raises(RequestError, match=r"a\.txt, line 2: column 'line' is blank"):
        [row.text("line") for row in lines(b"one\n\nthree\n", "a.txt")]
    with pytest.raises(RequestError, match=r"a\.txt: no lines in it"):
        lines(b"\n", "a.txt")
    with pytest.raises(RequestError, match=r"a\.txt, line 2: byte 4 is not UTF-8"):
        lines(b"one\n\xff", "a.txt")


def test_a_packed_file_is_read_like_the_file_in_it() -> None:
    packed = gzip.compress(b'{"prompt": "a"}\n{"prompt": "b"}\n')
    assert [row.text("prompt") for row in parse(packed, "a.jsonl.gz", ("prompt",))] == ["a", "b"]


@pytest.mark.parametrize(
    "content",
    [b"", b"plain", gzip.compress(b'{"prompt": "a"}')[:-9], b"\x1f\x8b\x08" + b"\x00" * 30],
    ids=["nothing", "not packed", "cut off", "zeros"],
)
def test_a_packed_file_that_is_not_whole_says_so(content: bytes) -> None:
    with pytest.raises(RequestError, match=r"a\.jsonl\.gz"):
        parse(content, "a.jsonl.gz")


@pytest.mark.parametrize("content", [b'[{"a": 1, "a": 2}]', b'[{"b": {"a": 1, "a": 1}}]'])
def test_a_key_that_comes_twice_hides_nothing(content: bytes) -> None:
    with pytest.raises(RequestError, match=r"a\.json, line 1: an object has the key 'a' twice"):
        parse(content, "a.json")


def test_a_number_without_end_is_refused() -> None:
    with pytest.raises(RequestError, match=r"a\.json, line 1: a number of thousands of digits"):
        parse(b'[{"a": ' + b"1" * 10_000 + b"}]", "a.json")


@pytest.mark.parametrize(("value", "number"), [(7, 7), ("7", 7), ("-12", -12)])
def test_a_whole_number_may_be_written_as_text(value: object, number: int) -> None:
    assert Row("r", 1, {"n": value}).whole("n") == number


@pytest.mark.parametrize("value", [True, 1.0, "1.0", "٣", "", None, "1e3", "9" * 40])
def test_what_is_no_whole_number_is_named(value: object) -> None:
    with pytest.raises(RequestError, match="r: column 'n'"):
        Row("r", 1, {"n": value}).whole("n")


@pytest.mark.parametrize("value", [None, "a", [], ["a", ""], ["a", 1], {"a": "b"}])
def test_a_list_of_texts_is_a_list_and_all_texts(value: object) -> None:
    with pytest.raises(RequestError, match=r"r(, t [12])?: column 't'"):
        Row("r", 1, {"t": value}).texts("t")


def test_an_object_in_a_row_is_a_row_that_knows_its_place() -> None:
    row = Row("a.json, row 3", 3, {"options": {"A": "x"}})
    assert row.part("options").text("A") == "x"
    with pytest.raises(RequestError, match=r"a\.json, row 3, options: column 'B' is missing"):
        row.part("options").text("B")
    with pytest.raises(RequestError, match="column 'others' must be an object"):
        row.part("others")


def test_rows_that_repeat_their_name_are_both_told() -> None:
    rows = parse(b"id,split\n1,a\n1,b\n1,a\n", "a.csv")
    unique(rows[:2], "id", "split")
    with pytest.raises(RequestError, match=r"a\.csv, row 3 \(line 4\): id '1', split 'a' stands already in row 1"):
        unique(rows, "id", "split")


def test_rows_can_stand_inside_a_document() -> None:
    content = b'{"about": "x", "items": [{"prompt": "a"}, {"prompt": "b"}]}'
    inside = objects(document(content, "a.json")["items"], "a.json, items")
    assert [row.where for row in inside] == ["a.json, items, row 1", "a.json, items, row 2"]
    with pytest.raises(RequestError, match=r"a\.json, items: a list of objects is expected, not null"):
        objects(None, "a.json, items")


@given(st.text(max_size=4_000))
def test_an_error_is_one_line_that_can_be_read(text: str) -> None:
    for message in (
        str(Row("a.csv, row 1", 1, {text: ""}).wrong(f"column '{text}' is blank")),
        str(Row("a.csv, row 1", 1, {text: ""}).wrong(text)),
    ):
        assert "\n" not in message
        assert len(message) < 400


def test_a_key_that_comes_twice_is_named_with_its_line() -> None:
    with pytest.raises(RequestError, match=r"a\.jsonl, line 2: an object has the key 'a' twice"):
        parse(b'{"a": 1}\n{"a": 1, "a": 2}\n', "a.jsonl")


def test_an_open_quotation_mark_is_told_where_it_opens() -> None:
    with pytest.raises(RequestError, match=r"row 2 \(line 3\): not valid CSV: .*open up to line 5"):
        parse(b'a\nx\n"y\nz\nz\n', "a.csv")


def test_json_lines_under_another_name_say_how_to_name_them() -> None:
    with pytest.raises(RequestError, match=r"a\.json, line 2: .* name it \.jsonl"):
        parse(b'{"a": 1}\n{"a": 2}\n', "a.json")


def test_a_cell_may_be_as_long_as_a_document() -> None:
    (row,) = parse(b"a\n" + b"x" * 200_000 + b"\n", "a.csv")
    assert len(row.text("a")) == 200_000
