"""YAML that people write is read strictly: every key once, and as the word that stands there."""

import pytest

from crossrisk.errors import RequestError
from crossrisk.strict_yaml import line_of, parse
from crossrisk.study import Study


def test_a_key_is_the_word_that_stands_there_and_a_value_is_what_yaml_makes_of_it() -> None:
    assert parse("on: yes\nno: {off: on}\n", "f")[0] == {"on": True, "no": {"off": True}}


@pytest.mark.parametrize(("text", "line"), [("a: 1\nb: 2\na: 3\n", 3), ("x:\n  - {k: 1}\n  - {k: 1, k: 2}\n", 3)])
def test_a_key_that_stands_twice_is_an_error_on_its_second_line(text: str, line: int) -> None:
    with pytest.raises(RequestError, match=rf"f\.yaml, line {line}: not valid YAML: the key '\w' stands twice"):
        parse(text, "f.yaml")


def test_a_merged_mapping_may_say_a_key_of_its_own_again() -> None:
    assert parse("a: &a {k: 1, l: 2}\nb: {<<: *a, k: 3}\n", "f")[0]["b"] == {"k": 3, "l": 2}


def test_a_study_does_not_drop_the_first_of_two_lists_of_defenses() -> None:
    with pytest.raises(RequestError, match=r"s\.yaml, line 4: not valid YAML: the key 'defenses' stands twice"):
        Study.from_yaml("base: organism\ntasks: [misuse]\ndefenses: [dpo]\ndefenses: [npo]\n", where="s.yaml")


def test_a_location_is_found_by_keys_and_places() -> None:
    _, node = parse("a: 1\nb:\n  - x\n  - y: 1\n    z: 2\n", "f")
    assert line_of(node, ()) == 1
    assert line_of(node, ("b", 1, "z")) == 5
    assert line_of(node, ("b", 1, "missing")) == 4
    assert line_of(None, ("b",)) == 1
