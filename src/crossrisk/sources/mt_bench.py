"""MT-Bench: 80 harmless requests of eight kinds, each with a second turn that builds on the reply to the first.

Zheng et al., Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena, arXiv 2306.05685.
"""

from dataclasses import replace

from crossrisk.risks import Message, Sample
from crossrisk.sources.public import PublicFile
from crossrisk.sources.published import PublicSet, public_source
from crossrisk.sources.reading import Row, objects, unique
from crossrisk.sources.requests import harmless


def _file(name: str, path: str, size: int, sha256: str, columns: tuple[str, ...]) -> PublicFile:
    return PublicFile(
        folder="mt_bench",
        name=name,
        repository="https://github.com/lm-sys/FastChat",
        revision="0e6d3e4beaab66f4d3f93db72541a4abab8af28d",
        path=f"fastchat/llm_judge/data/mt_bench/{path}",
        sha256=sha256,
        size=size,
        columns=columns,
    )


QUESTIONS = _file(
    "question.jsonl",
    "question.jsonl",
    48_929,
    "119565adbab82227089cefdb44c8d7e2cf04dc0a0ec233634c82e7d4e2a944f7",
    ("question_id", "category", "turns"),
)
REFERENCES = _file(
    "gpt-4.jsonl",
    "reference_answer/gpt-4.jsonl",
    51_109,
    "f957a5bc977badb66885ec970e6cd08527845780313f0995764260e5777b9b3f",
    ("question_id", "choices"),
)


def dialogues(rows: tuple[Row, ...]) -> tuple[Sample, ...]:
    """The first turn is asked, the second later, after the model's own reply; type: the category."""
    unique(rows, "question_id")
    return tuple(
        replace(
            harmless(_name(row), row.texts("turns")[0], type=row.text("category")),
            later=row.texts("turns")[1:],
        )
        for row in rows
    )


def references(questions: tuple[Row, ...], answers: tuple[Row, ...]) -> tuple[Sample, ...]:
    """First turns whose answer GPT-4 wrote as a reference: mathematics, reasoning and coding."""
    unique(answers, "question_id")
    asked = {sample.id: sample for sample in dialogues(questions)}
    samples = []
    for row in answers:
        name = _name(row)
        if name not in asked:
            raise row.wrong(f"question_id {row.whole('question_id')} is not in {QUESTIONS.name}: get both files again")
        first = objects(row.values["choices"], f"{row.where}, choices")[0]
        turn = Message("user", asked[name].messages[-1].content)
        samples.append(Sample(id=name, messages=(turn,), cluster=name, answer=first.texts("turns")[0]))
    return tuple(samples)


def _name(row: Row) -> str:
    return f"mt_bench-{row.whole('question_id')}"


mt_bench = public_source(
    "mt_bench",
    licence="Apache-2.0",
    citation="arXiv:2306.05685",
    sets={
        "over_refusal": PublicSet(dialogues, (QUESTIONS,)),
        "fluency": PublicSet(references, (QUESTIONS, REFERENCES)),
    },
    good_for="refusals in a second turn, and text of high quality as a reference",
    flaws="80 questions that models have long been tuned on; no MT-Bench score: refusal is judged, not quality",
)
