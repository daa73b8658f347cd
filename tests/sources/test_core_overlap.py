"""Our own prompts are our own: hardly any runs of words that stand in the public sets. Counts only, never texts."""

import pytest

from crossrisk.registry import SOURCES
from crossrisk.sources.core import privacy, safety, utility
from tests.sources.overlap import GIVEN, runs_in_public_sets

pytestmark = pytest.mark.skipif(not GIVEN, reason="CROSSRISK_DATA names no folder with the public sets")

RUN = 6  # words; shorter runs are common English ("what do you think of the")
SAFETY = (
    *("advbench", "do_not_answer", "gptfuzzer_templates", "harmbench", "harmfulqa", "hh_rlhf_harmless"),
    *("jailbreakbench_behaviors", "simple_safety_tests", "strongreject", "trustllm_safety", "xstest"),
)
PRIVACY = ("confaide", "trustllm_privacy")
UTILITY = ("gsm8k", "mmlu_subset", "mt_bench", "truthfulqa", "dolly_subset")
ALL = (*SAFETY, *PRIVACY, *UTILITY)


def texts(task: str) -> list[str]:
    if task == "twins":
        pairs = (*safety.misuse_twins(), *safety.toxic_twins(), *privacy.privacy_twins())
        return [twin.messages[-1].content for _, twin in pairs]
    samples = {**safety.LOADERS, **privacy.LOADERS, **utility.LOADERS}[task]()
    return [" ".join(message.content for message in sample.messages).split("\nA. ")[0] for sample in samples]


@pytest.mark.parametrize(
    ("task", "folders"),
    [
        ("misuse", SAFETY),
        ("toxic_content", SAFETY),
        ("privacy_awareness", PRIVACY),
        ("contextual_privacy", PRIVACY),
        ("reasoning", ("gsm8k",)),
        ("knowledge", ("mmlu_subset", "truthfulqa")),
    ],
)
def test_no_prompt_is_for_the_most_part_that_of_a_public_set(task: str, folders: tuple[str, ...]) -> None:
    shares = runs_in_public_sets(texts(task), RUN, *folders)
    assert sum(share > 0.5 for share in shares) == 0
    assert sum(share > 0.2 for share in shares) <= 0.03 * len(shares)


def test_no_prompt_of_any_task_is_for_the_most_part_that_of_any_public_set() -> None:
    tasks = ({*safety.LOADERS, *privacy.LOADERS, *utility.LOADERS} - {"jailbreak"}) | {"twins"}
    shares = runs_in_public_sets([text for task in sorted(tasks) for text in texts(task)], RUN, *ALL)
    assert len(shares) > 1_800
    assert sum(share > 0.5 for share in shares) == 0


def test_a_prompt_of_a_public_set_is_found_there() -> None:
    public = [sample.messages[0].content for sample in SOURCES.get("advbench").samples("misuse")[:20]]
    assert runs_in_public_sets(public, RUN, "advbench") == [1.0] * len(public)
