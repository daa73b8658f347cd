"""JUnit XML that any reader of it can parse, whatever characters a study's names are made of."""

from xml.etree import ElementTree as ET

import pytest

from crossrisk.interactions.gate.decide import Decision
from crossrisk.report.gate_junit import to_junit
from tests.interactions.gate.made_up import decided, row, study

# Of Jenkins' schema for JUnit (xunit-plugin, junit-10.xsd): element -> (children, attributes that must, that may be).
SCHEMA = {
    "testsuites": ({"testsuite"}, set(), {"name", "time", "tests", "failures", "errors"}),
    "testsuite": (
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
        {"name", "tests", "failures", "errors"},
        {"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"},
    ),
    "properties": ({"property"}, set(), set()),
    "property": (set(), {"name", "value"}, set()),
    "testcase": ({"skipped", "error", "failure", "system-out", "system-err"}, {"name"}, {"time", "classname", "group"}),
    "failure": (set(), set(), {"type", "message"}),
    "error": (set(), set(), {"type", "message"}),
    "skipped": (set(), set(), {"type", "message"}),
    "system-out": (set(), set(), set()),
}
HOSTILE = "a<b>&\"'\x00\x0b\x1b[31m\ud800\uffff\u202e]]>é漢😀\n\t"


def parsed(decision: Decision) -> ET.Element:
    root = ET.fromstring(to_junit(decision))
    for element in root.iter():
        children, must, may = SCHEMA[element.tag]
        assert {child.tag for child in element} <= children
        assert must <= set(element.attrib) <= must | may
    return root


def every_kind() -> Decision:
    """A limit that is kept, one broken, one open, one skipped, one that warns, a cell that failed."""
    rows = [
        row("calm", "misuse", -0.4),
        row("calm", "bbq", 0.3),
        row("calm", "salary", 0.05, 0.1),
        row("calm", "utility", None),
        row("calm", "over_refusal", None),
        row("fair", "misuse", 0.0),
    ]
    states = {
        ("calm", "utility"): ("not_applicable", "no likelihood"),
        ("calm", "over_refusal"): ("failed", "no memory"),
    }
    flags = [{"arm": "calm", "task": "misuse:made", "kind": "partly seen", "note": "3 of 200 prompts"}]
    made = study(rows, states=states, flags=flags)
    return decided(made, "limits:\n- {delta: 0.05}\n- {task: salary, delta: 0.05, inconclusive: warn}\n", ["calm"])


def test_each_limit_on_each_cell_is_a_case_and_tells_how_it_ended() -> None:
    root = parsed(every_kind())
    cases = {case.get("name", "").split(":")[0]: [child.tag for child in case] for case in root[1].iter("testcase")}
    assert cases == {
        "misuse": ["system-out"],
        "bbq": ["failure"],
        "salary": ["system-out"],
        "utility": ["skipped"],
        "over_refusal": ["error"],
    }
    (failure,) = root.iter("failure")
    assert failure.get("type") == "broken"
    assert failure.get("message") == failure.text
    assert "calm: bbq may rise by at most 5.0 points and changed by +30.0 points" in str(failure.text)
    (error,) = root.iter("error")
    assert "no memory" in str(error.get("message"))
    warned = [out.text or "" for out in root.iter("system-out") if str(out.text).startswith("warning: ")]
    assert len(warned) == 2 and "partly seen" in warned[1]


def test_a_suite_is_a_defense_and_its_counts_are_those_of_its_cases() -> None:
    root = parsed(every_kind())
    assert [suite.get("name") for suite in root] == ["the study", "calm"]
    for suite in root:
        for count, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(count, "-1")) == len(list(suite.iter(tag)))
    for count in ("tests", "failures", "errors"):
        assert int(root.get(count, "-1")) == sum(int(suite.get(count, "0")) for suite in root)


def test_names_of_cases_are_unique_in_a_suite() -> None:
    rows = [row("calm", task, 0.0) for task in ("misuse", "bbq")]
    made = decided(study(rows), "limits:\n- {delta: 0.1, invalid: 0.1, rcr: 2.0}\nbudgets:\n- {sum: 0.1, cells: 1}\n")
    for suite in parsed(made):
        names = [case.get("name") for case in suite.iter("testcase")]
        assert len(names) == len(set(names))


def test_properties_say_by_what_it_was_decided() -> None:
    made = every_kind()
    for suite in parsed(made):
        properties = {item.get("name"): item.get("value") for item in suite.iter("property")}
        assert properties["alpha"] == "0.05"
        assert properties["policy.sha256"] == made.policy.hash
        assert properties["correction"] == "holm"


@pytest.mark.parametrize("place", ["study", "problem", "policy", "note"])
def test_any_character_in_a_name_leaves_the_xml_well_formed(place: str) -> None:
    rows = [row("calm", "misuse", -0.4), row("calm", "bbq", None)]
    about = {
        "states": {("calm", "bbq"): ("failed", HOSTILE if place == "problem" else "x")},
        "flags": [
            {"arm": "calm", "task": "misuse:made", "kind": "leaked", "note": HOSTILE if place == "note" else "x"}
        ],
        "study": HOSTILE if place == "study" else "x",
    }
    made = decided(study(rows, **about), "limits:\n- {delta: 0.05}\n")
    if place == "policy":
        made = type(made)(made.study, made.policy.model_copy(update={"name": HOSTILE}), *_rest(made))
    root = parsed(made)
    text = " ".join([*root.itertext(), *(value for element in root.iter() for value in element.attrib.values())])
    assert "a<b>&\"'" in text and "é漢😀" in text
    assert not {"\x00", "\x1b", "\u202e", "\uffff"} & set(text)


def _rest(made: Decision) -> tuple:
    return made.alpha, made.defenses, made.checks


def test_the_same_decision_gives_the_same_bytes() -> None:
    assert to_junit(every_kind()) == to_junit(every_kind())
    assert to_junit(every_kind()).startswith(b"<?xml version='1.0' encoding='utf-8'?>\n<testsuites ")
