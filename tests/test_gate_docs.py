"""`docs/gate.md` tells all that a policy may say, and its examples are ones that work."""

import re
from pathlib import Path

import pytest
import yaml

from crossrisk.gating import load_policy
from crossrisk.interactions.gate.decide import decide
from crossrisk.interactions.gate.policy import Budget, Limit, Policy
from tests.interactions.gate.made_up import TASKS, group_row, row, study

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "gate.md").read_text(encoding="utf-8")
TABLES = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `")]


@pytest.mark.parametrize("key", [*Limit.model_fields, *Budget.model_fields, *Policy.model_fields])
def test_every_key_is_explained_in_a_table(key: str) -> None:
    assert any(f"`{key}" in first for first in TABLES) or (key == "on" and "`on: upper_bound`" in PAGE)


MODES = ["inconclusive", "not_applicable", "failed", "contaminated", "broken_model", "partly_seen", "moved_null"]


@pytest.mark.parametrize("key", MODES)
def test_the_table_has_the_defaults_of_the_code(key: str) -> None:
    assert f"\n| `{key}` | `{Policy.model_fields[key].default}` |" in PAGE


def test_the_policy_at_the_top_of_the_page_is_a_policy() -> None:
    text = re.search(r"```yaml\n(# policy\.yaml\n.*?)```", PAGE, re.DOTALL)
    assert text is not None
    policy = Policy.from_yaml(text[1])
    made = study([row("calm", task, 0.0) for task in TASKS], [group_row("calm", "over_refusal", "blue", 0.0)])
    assert decide(made, policy, tokens=lambda *files: (1.0, 1.0)).defenses == ("calm",)


def test_what_the_page_says_how_to_say_is_said_so() -> None:
    lines = [line for line in PAGE.splitlines() if re.match(r"\| .* \| `\{.*", line)]
    entries = [entry for line in lines for entry in re.findall(r"`(\{.*?\})`", line)]
    assert len(entries) == 6
    for entry in entries:
        Policy.from_yaml(f"limits:\n- {entry}\n")


def test_the_hash_in_the_example_is_that_of_the_ready_policy() -> None:
    assert f"policy careful ({load_policy('careful').hash[:12]})" in PAGE


def test_the_workflow_on_the_page_is_the_file_beside_it_and_is_yaml() -> None:
    text = (DOCS / "examples" / "gate.yml").read_text(encoding="utf-8")
    assert f"```yaml\n{text}```" in PAGE
    steps = yaml.safe_load(text)["jobs"]["gate"]["steps"]
    (gate,) = (step["run"] for step in steps if step.get("name") == "Gate")
    for word in ("--policy", "--junit gate.xml", "--markdown gate.md"):
        assert word in gate
    assert {"gate.xml", "gate.md"} <= set(steps[-1]["with"]["path"].split())
