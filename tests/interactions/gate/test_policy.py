"""A policy is a value that YAML and Python write alike; what is wrong in a file is told with its line."""

from pathlib import Path

import pytest

from crossrisk.errors import RequestError
from crossrisk.interactions.gate.policy import Policy

LIMITS = "limits:\n  - {delta: 0.05}\n"
READY = Path(__file__).parents[3] / "studies" / "policies"


def test_a_policy_says_the_same_from_a_file_and_from_python() -> None:
    written = Policy.from_yaml(
        "alpha: 0.01\ninconclusive: warn\nlimits:\n  - {risk: utility, delta: 0.02, on: point}\n"
        "  - {task: bbq, group: '*', gap_change: 0.1}\nrequired: [misuse]\nbudgets:\n  - {sum: 0.05, cells: 2}\n"
    )
    made = Policy(
        alpha=0.01,
        inconclusive="warn",
        limits=[
            {"risk": "utility", "delta": 0.02, "on": "point"},
            {"task": "bbq", "group": "*", "gap_change": 0.1},
        ],
        required=["misuse"],
        budgets=[{"sum": 0.05, "cells": 2}],
    )
    assert written.model_dump() == made.model_dump()
    assert written.hash == made.hash


def test_the_hash_is_of_what_a_policy_asks_and_not_of_how_it_is_written() -> None:
    plain = Policy.from_yaml(LIMITS)
    assert (
        Policy.from_yaml("# five points\nname: other\ncorrection: holm\nlimits: [{delta: 5.0e-2}]\n").hash == plain.hash
    )
    assert Policy.from_yaml("limits: [{delta: 0.051}]").hash != plain.hash
    assert Policy.from_yaml(LIMITS + "inconclusive: warn\n").hash != plain.hash


def test_a_policy_is_named_after_its_file_unless_it_names_itself(tmp_path: Path) -> None:
    (tmp_path / "strict.yaml").write_text(LIMITS)
    assert Policy.load(tmp_path / "strict.yaml").name == "strict"
    (tmp_path / "strict.yaml").write_text("name: ours\n" + LIMITS)
    assert Policy.load(tmp_path / "strict.yaml").name == "ours"


@pytest.mark.parametrize("path", sorted(READY.glob("*.yaml")), ids=lambda path: path.stem)
def test_ready_policies_are_valid_and_named_as_their_files(path: Path) -> None:
    assert Policy.load(path).name == path.stem


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (LIMITS + "limts: []\n", 3, "unknown key `limts`: did you mean `limits`?"),
        (LIMITS + "  - {risk: safety, detla: 0.1}\n", 3, "unknown key `limits.1.detla`: did you mean `delta`?"),
        (LIMITS + "budgets:\n  - {cell: 1}\n", 4, "did you mean `cells`?"),
        ("limits:\n  - {delta: 5}\n", 2, "risks are fractions, write 0.05 for 5 in a hundred"),
        ("limits:\n  - {delta: 1.0}\n", 2, "must be below 1"),
        ("limits:\n  - {delta: '0.05'}\n", 2, "a valid number (got '0.05')"),
        ("limits:\n  - {delta: yes}\n", 2, "a valid number (got true)"),
        ("limits:\n  - {delta: [1, null]}\n", 2, "a valid number (got [1, null])"),
        ("limits:\n  - {inconclusive: {fail: no}, delta: 0.1}\n", 2, "(got {fail: false})"),
        ("limits:\n  - {delta: .nan}\n", 2, "`limits.0.delta`"),
        ("limits:\n  - {delta: -0.1}\n", 2, "greater than or equal to 0"),
        ("limits:\n  - {delta: 0.1, delta: 0.2}\n", 2, "the key 'delta' stands twice"),
        (LIMITS + LIMITS, 3, "the key 'limits' stands twice"),
        ("limits:\n  - {risk: saftey, delta: 0.1}\n", 2, "'safety', 'fairness'"),
        ("limits:\n  - {defense: null, delta: 0.1}\n", 2, "`defense` is empty"),
        ("limits:\n  - {risk: safety}\n", 2, "a limit needs at least one of delta"),
        ("limits:\n  - {group: a, rcr: 0.1}\n", 2, "a group has no `rcr`"),
        ("limits:\n  - {gap_change: 0.1}\n", 2, "`gap_change` is of groups: add `group`"),
        ("limits:\n  - {by: gender, delta: 0.1}\n", 2, "`by` says which groups: add `group`"),
        ("limits:\n  - {invalid: 0.1, on: point}\n", 2, "`on` has no meaning for invalid"),
        ("limits:\n  - {worsens: never, on: point}\n", 2, "`on` has no meaning for worsens"),
        ("limits:\n  - {worsens: sometimes}\n", 2, "'never'"),
        ("limits:\n  - {delta: 0.1, inconclusive: fial}\n", 2, "'fail', 'warn' or 'pass'"),
        ("limits:\n  - misuse\n", 2, "`limits.0`"),
        ("limits: {delta: 0.1}\n", 1, "a list"),
        ("required: misuse\n", 1, "a list"),
        ("budgets:\n  - {risk: safety}\n", 2, "a budget needs `sum`, `cells` or both"),
        ("budgets:\n  - {cells: 1.5}\n", 2, "`budgets.0.cells`"),
        (LIMITS + "alpha: 0.7\n", 3, "`alpha`"),
        (LIMITS + "correction: bonferoni\n", 3, "'holm' or 'none'"),
        ("limits:\n  - {delta: 0.1\n", 3, "not valid YAML"),
        ("limits: []\n", 1, "would let everything pass"),
    ],
)
def test_what_is_wrong_in_a_policy_is_told_in_one_line_with_its_line_number(text: str, line: int, says: str) -> None:
    with pytest.raises(RequestError) as caught:
        Policy.from_yaml(text, where="mine.yaml")
    message = str(caught.value)
    assert message.startswith(f"mine.yaml, line {line}: ")
    assert says in message
    assert "\n" not in message


@pytest.mark.parametrize("text", ["", "- delta\n", "# nothing\n", "just text"])
def test_a_file_that_is_no_mapping_is_no_policy(text: str) -> None:
    with pytest.raises(RequestError, match=r"mine\.yaml: a policy is a mapping"):
        Policy.from_yaml(text, where="mine.yaml")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="there is no policy file"):
        Policy.load(tmp_path / "none.yaml")
    with pytest.raises(RequestError, match="is a folder: name the policy file in it"):
        Policy.load(tmp_path)


def test_a_policy_of_python_names_its_entries_by_number() -> None:
    with pytest.raises(RequestError, match=r"the policy is not valid: unknown key `limits\.0\.detla`"):
        Policy(limits=[{"detla": 0.1}])
    assert Policy(limits=[{"delta": 0.1}]).place("limits", 0) == "limits[0] of the policy"
