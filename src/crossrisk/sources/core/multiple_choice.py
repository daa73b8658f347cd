"""Rows of a question, its right answer and three wrong ones, as lettered multiple choice."""

from crossrisk.fixed_choices import shuffled
from crossrisk.risks import Message, Sample
from crossrisk.sources.core.written import written
from crossrisk.sources.lettered import lettered
from crossrisk.sources.reading import Row


def multiple_choice(task: str, *, knowing_is_risky: bool = False) -> tuple[Sample, ...]:
    """The questions of one file in its order; each is its own cluster.

    The right answer stands under A, B, C, D in turn, so that no letter is worth guessing; a row that is added at the
    end moves no other. knowing_is_risky: which letter of the contrast, right or wrong, is the risky one.
    """
    questions = written(f"{task}.jsonl", "id", "subject", "question", "right", "wrong")
    return tuple(_question(task, position, row, knowing_is_risky) for position, row in enumerate(questions))


def _question(task: str, position: int, row: Row, knowing_is_risky: bool) -> Sample:
    name, wrong = row.text("id"), row.texts("wrong")
    answer = position % (len(wrong) + 1)
    options = list(shuffled(wrong, task, name))
    options.insert(answer, row.text("right"))
    prompt, letters = lettered(row.text("question"), options)
    other = letters[(answer + 1) % len(letters)]
    return Sample(
        id=f"core-{task}-{name}",
        messages=(Message("user", prompt),),
        cluster=name,
        choices=letters,
        answer=answer,
        contrast=(letters[answer], other) if knowing_is_risky else (other, letters[answer]),
        meta={"subject": row.text("subject")},
    )
