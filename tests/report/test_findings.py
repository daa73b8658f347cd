from typing import Any

from crossrisk.report.findings import cautions, failed_cells, headline, side_effects


def row(
    task: str, risk: str, verdict: str, delta: float, defense: str = "dpo", aim: str | None = "safety"
) -> dict[str, Any]:
    return {
        "defense": defense, "mechanism": "training", "target_risk": aim, "task": task, "source": "world", "risk": risk,
        "verdict": verdict, "delta": delta, "ci_low": delta - 0.02, "ci_high": delta + 0.02, "judge": "harm:world@1",
    }  # fmt: skip


def test_a_change_of_its_own_risk_is_no_side_effect() -> None:
    own, other = row("misuse", "safety", "worsens", 0.4), row("utility", "utility", "worsens", 0.1)
    assert side_effects([own, other]) == [other]


def test_the_headline_names_the_worst_side_effect() -> None:
    rows = [row("utility", "utility", "worsens", 0.1), row("over_refusal", "service", "worsens", 0.3)]
    assert headline(rows) == "2 side effects in 2 off-target cells. The worst: dpo worsens over_refusal by 30.0 points."


def test_the_headline_never_takes_inconclusive_for_harmless() -> None:
    quiet, unclear = row("utility", "utility", "no_effect", 0.0), row("over_refusal", "service", "inconclusive", 0.03)
    assert headline([quiet, unclear]) == "No side effect was found, but 1 of 2 off-target cells stay inconclusive."
    assert headline([quiet]).startswith("No side effect: none of 1 off-target cell got worse")


def test_cells_of_controls_count_for_nothing_in_the_headline() -> None:
    assert "says nothing of side effects" in headline([row("utility", "utility", "worsens", 0.2, "sham", None)])


def test_a_defense_that_does_not_help_its_own_risk_is_named() -> None:
    useless = [row("misuse", "safety", "no_effect", 0.0), row("toxic_content", "safety", "worsens", 0.1)]
    assert cautions(useless) == [
        "dpo improves none of the tasks of its own risk (safety): misuse 0.0 and toxic_content +10.0 points."
    ]
    assert cautions([*useless, row("misuse_2", "safety", "improves", -0.4)]) == []


def test_null_that_moved_is_a_caution_though_it_never_gets_a_verdict() -> None:
    (line,) = cautions([row("misuse", "safety", "inconclusive", 0.08, "null", None)])
    assert line.startswith("The control null moves misuse by +8.0 points [+6.0, +10.0]")


def test_tasks_that_failed_for_one_reason_share_a_line() -> None:
    cells = [{"arm": "npo", "task": f"t{i}", "source": "world", "problem": "no gradients"} for i in range(5)]
    assert failed_cells(cells) == ["npo on 5 tasks: no gradients"]
    assert failed_cells(cells[:2]) == ["npo on t0:world and t1:world: no gradients"]
