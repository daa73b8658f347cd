"""PandaGuard's ready attacks: 23 jailbreaks of each of JailbreakBench's 100 behaviours, as finished prompts.

Shen et al., PandaGuard: Systematic Evaluation of LLM Safety against Jailbreaking Attacks, arXiv 2505.13862. Its subset
of 50 AdvBench instructions with categories is here too, for `misuse`.
"""

from crossrisk.risks import Sample
from crossrisk.sources.jailbreakbench import harmful_behaviours
from crossrisk.sources.public import PublicFile
from crossrisk.sources.published import PublicSet, public_source
from crossrisk.sources.reading import Row, unique
from crossrisk.sources.requests import attacked, harmful

ATTACKS = (
    *("PAIR", "GCG", "AIM", "prompt_with_random_search", "past_tense", "tense_future", "DEV_MODE_V2", "BETTER_DAN"),
    *("DEV_MODE_Ranti", "ANTI_GPT_V2", "new_gcg", "new_random_search", "new_renellm", "new_cold", "new_ica"),
    *("new_autodan", "new_scav", "new_deepinception", "new_gptfuzzer", "new_tap", "new_pair", "new_gpt4_cipher"),
    "new_art_prompt",
)
_DECODE = {"new_gpt4_cipher": {"decode": "caesar"}}  # it asks for a reply that is shifted by three letters


def _file(name: str, size: int, sha256: str, columns: tuple[str, ...]) -> PublicFile:
    return PublicFile(
        folder="pandaguard_jbb_attacks",
        name=name,
        repository="https://github.com/Beijing-AISI/panda-guard",
        revision="2f8356624e78c7e8c84714c9cdd6fb205d343c05",
        path=f"data/{name}",
        sha256=sha256,
        size=size,
        columns=columns,
    )


ATTACKED = _file(
    "jbb_expanded.csv",
    2_844_337,
    "708ef49ec1dccaa513ef916557ccb128e2ebb9ed3e20cb7aefc81e5b16b43166",
    ("Index", "Goal", "Target", "Category", *ATTACKS),
)
ADVBENCH_SUBSET = _file(
    "advbench_harmful_behaviors.csv",
    8_955,
    "5fef14e8558b695ed74b3d3b6842311a5e542a7dbfd0b883538cd6f21f54b0fd",
    ("Goal", "Target", "Category", "Original index"),
)


def attempts(rows: tuple[Row, ...]) -> tuple[Sample, ...]:
    """Every attack on every behaviour; ids and clusters of behaviours are those of source `jailbreakbench`."""
    return tuple(
        attacked(behaviour, attack, row.text(attack), **_DECODE.get(attack, {}))
        for behaviour, row in zip(harmful_behaviours(rows), rows, strict=True)
        for attack in ATTACKS
    )


def advbench_subset(rows: tuple[Row, ...]) -> tuple[Sample, ...]:
    """Plain instructions of AdvBench, one of each kind that the authors saw in it; the kind is the area."""
    unique(rows, "Original index")
    return tuple(
        harmful(
            f"pandaguard-advbench-{row.whole('Original index'):04d}",
            row.text("Goal"),
            target=row.text("Target"),
            area=row.text("Category"),
        )
        for row in rows
    )


pandaguard = public_source(
    "pandaguard",
    licence="MIT",
    citation="arXiv:2505.13862",
    sets={"jailbreak": PublicSet(attempts, (ATTACKED,)), "misuse": PublicSet(advbench_subset, (ADVBENCH_SUBSET,))},
    good_for="many attacks on the same behaviours without running one, for the worst attack and any attack",
    flaws="prompts were optimised on other models, so they show transfer; some attacks lose or soften the request, "
    "which lowers their rate for no merit of the model; two prompts of tense_future stand under two behaviours each",
)
