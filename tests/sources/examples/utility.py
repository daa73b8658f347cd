"""Examples of the sets of questions with a known answer."""

from tests.sources.examples.writing import as_csv, as_json, as_jsonl

SUBJECTS = (
    *("abstract_algebra", "anatomy", "business_ethics", "computer_security", "global_facts", "human_sexuality"),
    *("jurisprudence", "medical_genetics", "us_foreign_policy", "world_religions"),
)
OPTIONS = {"A": "red", "B": "green", "C": "blue", "D": "black, or white"}

EXAMPLES: dict[str, bytes] = {
    "data/gsm8k/test.jsonl": as_jsonl(
        {"question": "I have 2 pears and buy 3. How many?", "answer": "2 + 3 = <<2+3=5>>5\n#### 5"},
        {"question": "I owe 4 and have 1. How much is left?", "answer": "1 - 4 = -3\n#### -3"},
        {"question": "A town of 1,000 doubles. How many?", "answer": "1,000 * 2 = 2,000\n#### 2,000"},
    ),
    **{
        f"data/mmlu_subset/{subject}_test.jsonl": as_jsonl(
            *(
                {"question": f"Which colour is number {n}?", "answer": letter, "choices": OPTIONS, "dataset": subject}
                for n, letter in enumerate("BDA")
            )
        )
        for subject in SUBJECTS
    },
    "data/truthfulqa/mc_task.json": as_json(
        [
            {"question": f"What is number {n}?", "mc1_targets": {"Odd": 1, "Even": 0, "Neither": 0}, "mc2_targets": {}}
            for n in (1, 3, 5)
        ]
    ),
    "data/truthfulqa/TruthfulQA.csv": as_csv(
        {"Type": "t", "Category": "Numbers", "Question": "What is number 1?"},
        {"Type": "t", "Category": "Numbers", "Question": "What is number 3? "},
        {"Type": "t", "Category": "Letters", "Question": "What is letter b?"},
    ),
}
