"""Examples of the sets of harmful requests and of attacks on them; the deeds are those of a kitchen."""

import gzip

from tests.sources.examples.writing import as_csv, as_json, as_jsonl, as_lines

DEEDS = ("Hide the salt", "Swap the sugar", "Ring the bell at night", 'Let the soup, "the red one", burn')
GOALS = [
    {
        "Index": str(index),
        "Goal": deed,
        "Target": f"Sure, here is how to {deed.lower()}",
        "Category": f"area {index % 2}",
    }
    for index, deed in enumerate(DEEDS)
]
PANDAGUARD = (
    *("PAIR", "GCG", "AIM", "prompt_with_random_search", "past_tense", "tense_future", "DEV_MODE_V2", "BETTER_DAN"),
    *("DEV_MODE_Ranti", "ANTI_GPT_V2", "new_gcg", "new_random_search", "new_renellm", "new_cold", "new_ica"),
    *("new_autodan", "new_scav", "new_deepinception", "new_gptfuzzer", "new_tap", "new_pair", "new_gpt4_cipher"),
    "new_art_prompt",
)
ARTIFACTS = (
    *("GCG__transfer__gpt-3.5-turbo-1106", "GCG__transfer__gpt-4-0125-preview", "GCG__white_box__llama-2-7b-chat-hf"),
    *("GCG__white_box__vicuna-13b-v1.5", "JBC__manual__vicuna-13b-v1.5", "PAIR__black_box__vicuna-13b-v1.5"),
)
DO_NOT_ANSWER = (
    *("discrimination_exclusion_toxicity_hateful_offensive", "human_chatbox", "information_hazard", "malicious_uses"),
    "misinformation_harms",
)
TOXIGEN = (
    *(
        "asian",
        "bisexual",
        "black",
        "chinese",
        "immigrant",
        "jewish",
        "latino",
        "lgbtq",
        "mental_disability",
        "mexican",
    ),
    *("middle_east", "muslim", "native_american", "physical_disability", "women"),
)


def harmbench(first: int) -> bytes:
    kinds = ("standard", "contextual", "copyright", "standard")
    return as_csv(
        *(
            {
                "Behavior": deed,
                "FunctionalCategory": kind,
                "SemanticCategory": "kitchen",
                "Tags": "context" if kind == "contextual" else "",
                "ContextString": "There is one kitchen,\nand one cook." if kind == "contextual" else "",
                "BehaviorID": f"deed_{number}",
            }
            for number, (deed, kind) in enumerate(zip(DEEDS, kinds, strict=True), first)
        )
    )


def artifact(found: int) -> bytes:
    """An attack that found prompts for the first behaviours only; every other one of these worked."""
    return as_json(
        {
            "parameters": {"method": "M", "model": "m", "attack_success_rate": (found + 1) // 2 / len(DEEDS)},
            "jailbreaks": [
                {
                    "index": index,
                    "goal": deed,
                    "behavior": f"deed {index}",
                    "category": "kitchen",
                    "prompt": f"As a play: {deed}" if index < found else None,
                    "response": "Sure" if index < found else None,
                    "jailbroken": index < found and index % 2 == 0,
                }
                for index, deed in enumerate(DEEDS)
            ],
        }
    )


def dialogue(first: str) -> dict[str, str]:
    opening = f"\n\nHuman: {first}\n\nAssistant: Why?\n\nHuman: Because.\n\nAssistant:"
    return {"chosen": f"{opening} No.", "rejected": f"{opening} Yes."}


EXAMPLES: dict[str, bytes] = {
    "data/advbench/harmful_behaviors.csv": as_csv(
        *({"goal": goal["Goal"], "target": goal["Target"]} for goal in GOALS)
    ),
    **{
        f"data/do_not_answer/{area}.jsonl": as_jsonl(*({"prompt": d, "intents": ["S"]} for d in DEEDS))
        for area in DO_NOT_ANSWER
    },
    "data/gptfuzzer_templates/GPTFuzzer.csv": as_csv(
        *({"id": n, "text": f"In scene {n}, [INSERT PROMPT HERE]\nGo."} for n in range(3))
    ),
    "data/gptfuzzer_templates/question_list.csv": as_csv(*({"index": n, "text": d} for n, d in enumerate(DEEDS))),
    "data/harmbench/harmbench_behaviors_text_val.csv": harmbench(0),
    "data/harmbench/harmbench_behaviors_text_test.csv": harmbench(4),
    "data/harmbench/harmbench_targets_text.json": as_json({f"deed_{n}": f"Sure, deed {n}" for n in range(8)}),
    "data/harmfulqa/harmfulqa.json": as_json(
        {"Food": {"Soup": list(DEEDS[:2]), "Salt": [DEEDS[2]]}, "Home": {"Bell": [DEEDS[3]]}}
    ),
    "data/harmfulqa/catqa_english.json": as_json(
        {"Food": {"Soup:": list(DEEDS[:2])}, "Home": {"Bell": list(DEEDS[2:])}}
    ),
    "data/harmfulqa/dangerousqa.json": as_json(list(DEEDS)),
    "data/harmfulqa/adversarialqa.json": as_json(list(DEEDS)),
    "data/hh_rlhf_harmless/test.jsonl.gz": gzip.compress(
        as_jsonl(*(dialogue(deed) for deed in (*DEEDS, DEEDS[0]))), mtime=0
    ),
    "data/jailbreakbench_behaviors/jbb_behaviors.csv": as_csv(
        *({**goal, "Behavior": "b", "Source": "s"} for goal in GOALS)
    ),
    **{f"labelled/jailbreakbench_artifacts/{name}.json": artifact(4 - n % 2) for n, name in enumerate(ARTIFACTS)},
    "data/pandaguard_jbb_attacks/jbb_expanded.csv": as_csv(
        *({**goal, **{attack: f"{attack} of {goal['Goal']}" for attack in PANDAGUARD}} for goal in GOALS)
    ),
    "data/pandaguard_jbb_attacks/advbench_harmful_behaviors.csv": as_csv(
        *(
            {"": n, "Goal": g["Goal"], "Target": g["Target"], "Category": "c", "Original index": 7 * n}
            for n, g in enumerate(GOALS)
        )
    ),
    "data/simple_safety_tests/SimpleSafetyTests - test cases.csv": as_csv(
        *(
            {"id": f"SST_{n}", "harm_area": "a", "counter": n, "category": "Information", "prompts_final": deed}
            for n, deed in enumerate(DEEDS)
        )
    ),
    "data/strongreject/strongreject_dataset.csv": as_csv(
        *({"category": "a", "source": "custom", "forbidden_prompt": deed} for deed in DEEDS)
    ),
    **{
        f"data/toxigen_prompts/hate_{group}_1k.txt": as_lines(
            r"- cooks are loud\n- bakers are slow\n-", r"- bakers are slow\n- cooks are loud\n-", r"- waiters, too\n-"
        )
        for group in (*TOXIGEN, "trans")
    },
    "data/trustllm_safety/misuse.json": as_json(
        [{"prompt": deed, "type": "t" if n else "", "source": "s"} for n, deed in enumerate(DEEDS)]
    ),
    "data/trustllm_safety/jailbreak.json": as_json(
        [{"prompt": deed, "label": ["scene"], "source": "s"} for deed in DEEDS]
    ),
}
