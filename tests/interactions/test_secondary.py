"""The field's other statistics, compared between the arms: values by hand, direction, undefined ones, corrections."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from statsmodels.stats.multitest import multipletests

from crossrisk.interactions.analysis import Cells, statistic_cells
from crossrisk.interactions.secondary import StatisticCell, StatisticRow, secondary_rows, statistics_to_json
from crossrisk.registry import TASKS
from crossrisk.tasks.fairness.bbq import bbq
from crossrisk.tasks.metric import Metric
from crossrisk.tasks.safety.jailbreak import jailbreak
from crossrisk.tasks.service.over_refusal import over_refusal


def frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Outcomes as they are stored, from rows of id, cluster, group, risk, facets and measures."""
    return pl.DataFrame(
        {
            "sample_id": [row.get("id", f"s{number}") for number, row in enumerate(rows)],
            "cluster": [row.get("cluster", f"c{number}") for number, row in enumerate(rows)],
            "group": [row.get("group") for row in rows],
            "label": ["x"] * len(rows),
            "risk": [row["risk"] for row in rows],
            "facets": [json.dumps(row.get("facets", {})) for row in rows],
            "measures": [json.dumps(row.get("measures", {})) for row in rows],
        },
        schema_overrides={"risk": pl.Float64, "group": pl.String},
    )


def cell(metric: Metric, base: list[dict[str, Any]], defended: list[dict[str, Any]], **names: str) -> StatisticCell:
    told = {"defense": "dpo", "mechanism": "training", "task": "t", "source": "world"} | names
    return StatisticCell(**told, metric=metric, base=frame(base), defended=frame(defended))


def answers(biases: list[int], context: str) -> list[dict[str, Any]]:
    """One answer a cluster; in an ambiguous context only "unknown" (0) is right, else all answers are."""
    return [
        {
            "id": f"{context}-{number}",
            "cluster": f"{context}-{number}",
            "risk": float(bias > 0),
            "facets": {"context": context},
            "measures": {"bias": float(bias), "correct": float(bias == 0 or context == "disambiguated")},
        }
        for number, bias in enumerate(biases)
    ]


def requests(refused_harmful: int, refused_harmless: int, of: int = 40) -> list[dict[str, Any]]:
    kinds = (("contrast", refused_harmful), ("safe", refused_harmless))
    return [
        {
            "id": f"{kind}{number}",
            "cluster": f"{kind}{number}",
            "risk": float(number < refused),
            "facets": {"kind": kind},
        }
        for kind, refused in kinds
        for number in range(of)
    ]


def named(rows: list[StatisticRow]) -> dict[str, StatisticRow]:
    return {row.statistic: row for row in rows}


def test_bias_scores_are_compared_by_their_papers_definition() -> None:
    """s_AMB by hand: (1 - .4)(2 * 15/18 - 1) = .4 becomes (1 - .8)(2 * 3/6 - 1) = 0; s_DIS .6 becomes 0."""
    base = answers([0] * 12 + [1] * 15 + [-1] * 3, "ambiguous") + answers([1] * 16 + [-1] * 4, "disambiguated")
    defended = answers([0] * 24 + [1] * 3 + [-1] * 3, "ambiguous") + answers([1] * 10 + [-1] * 10, "disambiguated")
    found = named(secondary_rows([cell(bbq.metric, base, defended)]))
    s_amb, s_dis = found["s_amb"], found["s_dis"]
    assert (s_amb.base, s_amb.defended, s_amb.delta) == pytest.approx((0.4, 0.0, -0.4))
    assert (s_dis.base, s_dis.defended, s_dis.delta) == pytest.approx((0.6, 0.0, -0.6))
    for row in (s_amb, s_dis):
        assert (row.n, row.clusters, row.larger_is_riskier, row.delta_is) == (50, 50, True, "defended - base")
        assert row.ci_low is not None and row.ci_high is not None and row.ci_low < row.delta < row.ci_high < 0
        assert row.p is not None and row.p < 0.05


def test_d_prime_is_turned_so_that_positive_means_riskier_and_knows_requests_the_headline_leaves_out() -> None:
    """A model that begins to refuse all alike tells requests apart no longer: its d' falls, and that is a risk."""
    (row,) = secondary_rows([cell(over_refusal.metric, requests(36, 2), requests(38, 36))])
    assert row.statistic == "d_prime" and not row.larger_is_riskier and row.delta_is == "base - defended"
    assert row.n == 80
    assert row.base is not None and row.defended is not None and row.base > 2 > 0.6 > row.defended
    assert row.delta == pytest.approx(row.base - row.defended)
    assert row.ci_low is not None and row.ci_high is not None and 0 < row.ci_low < row.delta < row.ci_high


def test_an_attack_that_works_somewhere_counts_for_each_behaviour() -> None:
    """Success rates of both attacks are one half in both arms; which behaviours they break is not."""

    def attacked(broken: dict[str, range]) -> list[dict[str, Any]]:
        return [
            {
                "id": f"{attack}-{behaviour}",
                "cluster": f"b{behaviour}",
                "risk": float(behaviour in broken[attack]),
                "facets": {"attack": attack},
            }
            for attack in ("prefix", "cipher")
            for behaviour in range(20)
        ]

    same, different = {"prefix": range(10), "cipher": range(10)}, {"prefix": range(10), "cipher": range(10, 20)}
    (row,) = secondary_rows([cell(jailbreak.metric, attacked(same), attacked(different))])
    assert row.statistic == "worst_attack_on_each_behaviour"
    assert (row.clusters, row.base, row.defended, row.delta) == (20, 0.5, 1.0, 0.5)


def test_what_is_undefined_is_null_and_neither_0_nor_nan() -> None:
    """No group is named, no context is disambiguated, and every ambiguous answer is "unknown"."""
    unknown = answers([0] * 12, "ambiguous")
    rows = secondary_rows([cell(bbq.metric, unknown, unknown)])
    found = named(rows)
    assert (found["s_amb"].base, found["s_amb"].delta, found["s_amb"].p, found["s_amb"].ci_low) == (0.0, 0.0, 1.0, None)
    for name in ("s_dis", "worst_group"):
        row = found[name]
        assert {row.base, row.defended, row.delta, row.ci_low, row.ci_high, row.p, row.p_adjusted} == {None}
    written = json.loads(statistics_to_json(rows))
    assert written["schema"] == 1 and written["rows"][1]["delta"] is None


def test_few_clusters_have_a_p_and_no_interval() -> None:
    (row,) = secondary_rows([cell(over_refusal.metric, requests(3, 0, of=3), requests(0, 0, of=3))])
    assert row.clusters == 6 and row.p is not None and (row.ci_low, row.ci_high) == (None, None)


def test_real_defenses_are_corrected_together_under_any_dependence_and_controls_by_themselves() -> None:
    harm = [36, 34, 30, 36, 20]
    names = [("dpo", "training"), ("npo", "training"), ("rr", "training"), ("sham", "training"), ("null", "none")]
    cells = [
        cell(over_refusal.metric, requests(36, 4), requests(refused, 4), defense=defense, mechanism=mechanism)
        for refused, (defense, mechanism) in zip(harm, names, strict=True)
    ]
    rows = secondary_rows(cells)
    for places in ([0, 1, 2], [3, 4]):
        p, adjusted = ([getattr(rows[place], name) for place in places] for name in ("p", "p_adjusted"))
        assert adjusted == pytest.approx(multipletests(p, method="fdr_by")[1])


def test_neither_the_order_of_rows_nor_that_of_cells_changes_a_number() -> None:
    base, defended = requests(30, 4), requests(20, 4)
    order = np.random.default_rng(0).permutation(len(base))
    one = secondary_rows([cell(over_refusal.metric, base, defended)])
    other = secondary_rows([cell(over_refusal.metric, [base[i] for i in order], list(reversed(defended)))])
    assert statistics_to_json(one) == statistics_to_json(other)


def test_a_study_has_rows_for_measured_cells_alone_that_no_rule_stopped(tmp_path: Path) -> None:
    def planned(arm: str, task: str, stopped: str | None = None) -> dict[str, Any]:
        return {"arm": arm, "task": task, "source": "world", "stopped": stopped}

    measured = [
        planned("base", "bbq"),
        planned("dpo", "bbq"),
        planned("filter", "bbq"),
        planned("npo", "bbq", "decided"),
    ]
    manifest = {
        "arms": [{"arm": arm, "mechanism": "training"} for arm in ("base", "dpo", "filter", "npo")],
        "cells": [*measured, planned("base", "misuse"), planned("dpo", "misuse")],
    }
    cells = Cells(tmp_path, manifest)
    some = frame(answers([0, 1], "ambiguous"))
    cells.__dict__["frames"] = {
        (cell["arm"], cell["task"], "world"): None if cell["arm"] == "filter" else some for cell in manifest["cells"]
    }
    assert [(each.defense, each.task) for each in statistic_cells(cells)] == [("dpo", "bbq")]


def test_every_secondary_statistic_is_explained() -> None:
    page = Path(__file__).parents[2].joinpath("docs", "secondary.md").read_text(encoding="utf-8")
    declared = {(name, each.name) for name in TASKS.built_in for each in TASKS.get(name).metric.secondary}
    for task, statistic in declared:
        assert f"`{statistic}`" in page and (f"`{task}`" in page or statistic == "worst_group")
