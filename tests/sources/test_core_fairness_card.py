"""What the data card says of our prompts on fairness and service is counted from them."""

from pathlib import Path

import pytest

from crossrisk.sources.core import fairness, service

CARD = (Path(__file__).parents[2] / "docs" / "core.md").read_text(encoding="utf-8")
LOADERS = {**fairness.LOADERS, **service.LOADERS}


@pytest.mark.parametrize("task", LOADERS)
def test_the_card_counts_prompts_and_clusters(task: str) -> None:
    samples = LOADERS[task]()
    assert f"| `{task}` | {len(samples):,} | {len({sample.cluster for sample in samples})} |\n" in CARD
    assert f"**{task}" in CARD or f", {task}.**" in CARD


def test_the_card_names_every_type_of_harmless_request_and_counts_the_twins() -> None:
    types = [sample.meta["type"] for sample in service.over_refusal()]
    for name in set(types):
        if name.startswith("twin of "):
            assert f"{types.count(name)} of " in CARD
        else:
            assert name in CARD


def test_the_card_counts_features_of_each_variety() -> None:
    samples = fairness.LOADERS["matched_guise"]()
    for variety in {sample.meta["dialect"] for sample in samples}:
        of_variety = [sample for sample in samples if sample.meta["dialect"] == variety]
        features = {sample.meta["feature"] for sample in of_variety}
        running = " ".join(CARD.split())
        assert f" {len({sample.cluster for sample in of_variety})} " in running
        assert f"{variety} ({len(features)} features" in running
