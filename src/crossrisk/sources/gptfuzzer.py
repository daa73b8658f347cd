"""GPTFuzzer's seeds: 77 jailbreak templates that people wrote, and 100 harmful questions to put into them.

Yu et al., GPTFUZZER: Red Teaming Large Language Models with Auto-Generated Jailbreak Prompts, arXiv 2309.10253.
"""

from crossrisk.risks import Sample
from crossrisk.sources.public import PublicFile
from crossrisk.sources.published import PublicSet, public_source
from crossrisk.sources.reading import Row, unique
from crossrisk.sources.requests import attacked, harmful

PLACEHOLDER = "[INSERT PROMPT HERE]"
QUESTIONS_A_TEMPLATE = 10


def _file(name: str, path: str, size: int, sha256: str, columns: tuple[str, ...]) -> PublicFile:
    return PublicFile(
        folder="gptfuzzer_templates",
        name=name,
        repository="https://github.com/sherdencooper/GPTFuzz",
        revision="1eddeb565740ae311b5f4950492b011a6f866fe7",
        path=f"datasets/{path}/{name}",
        sha256=sha256,
        size=size,
        columns=columns,
    )


TEMPLATES = _file(
    "GPTFuzzer.csv",
    "prompts",
    158_982,
    "e4abf25343b4adb991dd8ddc6189c038f26a6e74064d792cced69f56f71577fc",
    ("id", "text"),
)
QUESTIONS = _file(
    "question_list.csv",
    "questions",
    6_681,
    "18531eb6bc1c8fc0b8f66822b366b872202b852bf28826cef590ad0d7a81c749",
    ("index", "text"),
)


def questions(rows: tuple[Row, ...]) -> tuple[Sample, ...]:
    """The questions as they stand, each its own cluster."""
    unique(rows, "index")
    return tuple(harmful(f"gptfuzzer-{row.whole('index'):03d}", row.text("text")) for row in rows)


def attempts(templates: tuple[Row, ...], asked: tuple[Row, ...]) -> tuple[Sample, ...]:
    """Every template around 10 questions, instead of all 7,700 pairs.

    The t-th template (from 0) gets questions 10 t to 10 t + 9, begun anew behind the last one: of 77 templates and 100
    questions, each question meets 7 or 8 templates.
    """
    unique(templates, "id")
    behaviours = questions(asked)
    samples = []
    for place, row in enumerate(templates):
        template = row.text("text")
        if template.count(PLACEHOLDER) != 1:
            raise row.wrong(f"column 'text' must have {PLACEHOLDER} once: get the file again")
        for turn in range(min(QUESTIONS_A_TEMPLATE, len(behaviours))):
            behaviour = behaviours[(QUESTIONS_A_TEMPLATE * place + turn) % len(behaviours)]
            prompt = template.replace(PLACEHOLDER, behaviour.messages[-1].content)
            samples.append(attacked(behaviour, f"template-{row.whole('id'):02d}", prompt))
    return tuple(samples)


gptfuzzer = public_source(
    "gptfuzzer",
    licence="MIT",
    citation="arXiv:2309.10253",
    sets={"jailbreak": PublicSet(attempts, (TEMPLATES, QUESTIONS)), "misuse": PublicSet(questions, (QUESTIONS,))},
    good_for="jailbreak templates from the wild, against the same questions asked plainly",
    flaws="templates of 2023 that later models were trained to refuse, some of thousands of characters; a tenth of all "
    "pairs is asked, so two templates are compared on different questions",
)
