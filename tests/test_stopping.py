"""The rule that a study file declares: what it may say, what follows, and the order in which prompts are drawn."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from crossrisk.errors import RequestError
from crossrisk.stopping import Rule, Stopping, rule_of
from crossrisk.study import Study

RULE = Rule("benchmark", 64, 64, seed=0, alpha=0.05, margin=0.05, smallest_effect=0.0, claims=1.0)
PEOPLE = replace(RULE, estimand="population")
MINIMAL = "base: organism\ntasks: [misuse]\n"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("stopping: {estimand: everything}\n", 3, "`stopping.estimand`: input should be 'population' or 'benchmark'"),
        ("stopping: {look: 64}\n", 3, "`stopping.estimand` is missing"),
        ("stopping:\n  estimand: benchmark\n  look: 0\n", 5, "`stopping.look`"),
        ("stopping:\n  estimand: benchmark\n  at_least: -1\n", 5, "`stopping.at_least`"),
        ("stopping:\n  estimand: benchmark\n  looks: 9\n", 5, "unknown key `stopping.looks`: did you mean `look`?"),
        ("stopping: everything\n", 3, "`stopping.estimand`: input should be 'population' or 'benchmark'"),
        ("stopping: true\n", 3, "`stopping`"),
        ("stopping: {estimand: benchmark}\ntemperature: 1\nattempts: 3\n", 1, "`stopping` needs `attempts` 1"),
    ],
)
def test_what_is_wrong_with_a_rule_is_told_in_one_line_with_its_place(text: str, line: int, says: str) -> None:
    with pytest.raises(RequestError) as caught:
        Study.from_yaml(MINIMAL + text, "study.yaml")
    assert str(caught.value).startswith(f"study.yaml, line {line}: ") and "\n" not in str(caught.value)
    assert says in str(caught.value)


def test_a_rule_survives_the_way_through_yaml() -> None:
    study = Study.from_yaml(MINIMAL + "stopping: {estimand: population, look: 32, at_least: 100}\n")
    assert Study.from_yaml(study.to_yaml()) == study
    assert study.stopping is not None and study.stopping.look == 32
    assert Study.from_yaml(MINIMAL + "stopping: benchmark\n").stopping == Stopping(estimand="benchmark")


def test_the_rule_of_a_study_looks_at_every_batch_unless_it_says_otherwise() -> None:
    fields = {"base": "organism", "tasks": ["misuse"], "batch_size": 16, "seed": 5, "margin": 0.1}
    assert rule_of(Study(**fields), 3) is None
    rule = rule_of(Study(**fields, stopping={"estimand": "benchmark"}), 3)
    assert rule is not None
    assert (rule.look, rule.at_least, rule.seed, rule.margin, rule.smallest_effect) == (16, 64, 5, 0.1, 0.03)
    assert rule.claims == 3
    cautious = rule_of(Study(**fields, stopping={"estimand": "benchmark"}, exploration="BY"), 3)
    assert cautious is not None and cautious.claims == pytest.approx(3 * (1 + 1 / 2 + 1 / 3))


def test_the_order_hangs_on_the_seed_and_the_names_alone() -> None:
    ids, clusters = [f"p{number}" for number in range(50)], [f"t{number % 7}" for number in range(50)]
    for rule in (RULE, PEOPLE):
        names = [ids[place] for place in rule.order(ids, clusters)]
        assert sorted(names) == sorted(ids) and names != ids
        turned = [ids[::-1][place] for place in rule.order(ids[::-1], clusters[::-1])]
        assert turned == names
        fewer = [ids[::2][place] for place in rule.order(ids[::2], clusters[::2])]
        assert fewer == [name for name in names if name in ids[::2]]
        assert [ids[place] for place in replace(rule, seed=1).order(ids, clusters)] != names


def test_a_population_is_drawn_template_by_template_and_a_benchmark_prompt_by_prompt() -> None:
    clusters = [f"t{number % 7}" for number in range(70)]
    ids = [f"p{number}" for number in range(70)]

    def changes(rule: Rule) -> int:
        drawn = [clusters[place] for place in rule.order(ids, clusters)]
        return sum(before != after for before, after in pairwise(drawn))

    assert changes(PEOPLE) == 6 and changes(RULE) > 40


def test_every_prompt_is_as_likely_to_come_first() -> None:
    """The guarantee for a benchmark rests on nothing but this."""
    ids = [f"p{number}" for number in range(5)]
    orders = [replace(RULE, seed=seed).order(ids, ids) for seed in range(3_000)]
    counts = np.array([np.bincount(column, minlength=5) for column in np.array(orders).T])
    assert abs(counts / 3_000 - 0.2).max() < 0.03
    together = np.mean([order.index(0) < order.index(1) for order in orders])
    assert together == pytest.approx(0.5, abs=0.04)
