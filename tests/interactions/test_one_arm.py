"""How sure the headline of one arm is."""

import numpy as np

from crossrisk.interactions.one_arm import headline_interval
from crossrisk.interactions.paired import wilson
from crossrisk.tasks.metric import Metric, Outcomes, rate


def outcomes(risks: list[float], clusters: list[int]) -> Outcomes:
    labels = np.array([str(cluster) for cluster in clusters])
    ids = np.array([str(place) for place in range(len(risks))])
    return Outcomes(ids, labels, np.full(len(risks), ""), np.full(len(risks), "x"), np.array(risks), {}, {})


def test_a_mean_of_independent_prompts_has_wilsons_interval_of_the_valid_ones() -> None:
    found = headline_interval(rate("x"), outcomes([1, 0, 0, 1, 1, np.nan], list(range(6))))
    assert found == wilson(3, 5)
    assert headline_interval(rate("x"), outcomes([np.nan], [0])) is None


def test_a_cluster_that_is_drawn_twice_is_two_clusters_of_the_draw() -> None:
    def clusters(rows: Outcomes) -> float:
        return float(len(np.unique(rows.clusters)))

    rows = outcomes([0, 1] * 10, [place // 2 for place in range(20)])
    found = headline_interval(Metric("x", statistic=clusters), rows)
    assert found is not None and (found.low, found.high) == (10.0, 10.0)


def test_a_statistic_of_few_clusters_has_no_interval() -> None:
    metric = Metric("x", statistic=lambda rows: float(rows.risks.max()))
    assert headline_interval(metric, outcomes([0, 1] * 7, [place // 2 for place in range(14)])) is None
    assert headline_interval(metric, outcomes([0, 1] * 8, [place // 2 for place in range(16)])) is not None


def test_the_interval_of_a_statistic_is_near_that_of_theory() -> None:
    risks = np.random.default_rng(0).normal(0.5, 0.1, 400)
    found = headline_interval(
        Metric("x", statistic=lambda rows: float(rows.risks.mean())), outcomes(list(risks), list(range(400)))
    )
    error = risks.std() / 20
    assert found is not None
    assert abs(found.low - (risks.mean() - 1.96 * error)) < error / 4
    assert abs(found.high - (risks.mean() + 1.96 * error)) < error / 4
