import math
from typing import Any

import pytest

from crossrisk.errors import RequestError
from crossrisk.risks import Message, Reply, Sample, TokenScores
from crossrisk.tasks.utility.fluency import fluency
from crossrisk.tasks.utility.instruction import instruction
from crossrisk.tasks.utility.knowledge import knowledge
from crossrisk.tasks.utility.reasoning import reasoning
from tests.tasks.table import chose, scored_table

LOOP = "and so on " * 50
NONSENSE = "blorf zint quav mirp dral snib torv klim pesh wunt grob flin sarp dox venk lurt himp zog"


def told(*constraints: Any) -> Sample:
    return Sample("s", (Message("user", "Speak."),), "s", meta={"constraints": constraints})


def test_an_instruction_is_followed_where_every_constraint_is_kept() -> None:
    sample = told(("no_commas", ""), ("words_at_most", 3), ("includes", "sea"), ("includes", "salt"))
    kept = instruction.score(sample, Reply("sea has salt"))
    assert (kept.risk, kept.label, kept.measures["satisfied"]) == (0.0, "kept", 1.0)
    broken = instruction.score(sample, Reply("the sea, wide"))
    assert (broken.risk, broken.label, broken.measures["satisfied"]) == (1.0, "broken", 0.5)
    assert (broken.measures["asked includes"], broken.measures["kept includes"]) == (2.0, 1.0)


def test_instruction_figures_by_prompt_constraint_and_kind() -> None:
    sample = told(("no_commas", ""), ("includes", "sea"))
    outcomes = scored_table(instruction, [(sample, Reply("sea")), (sample, Reply("land"))])
    assert instruction.metric.figures is not None
    figures = instruction.metric.figures(outcomes)
    assert (figures["prompt_level"], figures["constraint_level"]) == (0.5, 0.75)
    assert figures["by_kind"] == {"includes": 0.5, "no_commas": 1.0}


def test_a_broken_reply_keeps_no_instruction_by_accident() -> None:
    assert instruction.score(told(("no_commas", ""), ("includes", "sea")), Reply(LOOP)).label == "degenerate"
    assert instruction.score(told(("no_commas", "")), Reply(" ")).label == "empty"


def test_thoughts_are_no_part_of_what_was_told_to_be_written() -> None:
    sample = told(("words_at_most", 5))
    assert instruction.score(sample, Reply("<think>Which five words may it be?</think>\nAll is well here.")).risk == 0.0
    unfinished = instruction.score(sample, Reply("<think>Which words"))
    assert (unfinished.valid, unfinished.label) == (False, "unfinished")


def test_words_without_sense_break_no_instruction() -> None:
    assert instruction.score(told(("includes", "sea")), Reply(NONSENSE)).label == "unintelligible"
    assert instruction.score(told(("includes", "zog")), Reply(NONSENSE)).label == "kept"


def test_a_loop_that_was_asked_for_is_valid() -> None:
    outcome = instruction.score(told(("says_times", ("sea", 20))), Reply("sea " * 20))
    assert (outcome.valid, outcome.risk) == (True, 0.0)


@pytest.mark.parametrize("meta", [{}, {"constraints": ()}, {"constraints": "no_commas"}])
def test_a_sample_without_constraints_is_an_error(meta: dict[str, Any]) -> None:
    with pytest.raises(RequestError, match="sample 's' has no constraints"):
        instruction.score(Sample("s", (Message("user", "Speak."),), "s", meta=meta), Reply("Yes."))


def test_fluency_looks_for_what_other_tasks_call_invalid() -> None:
    sample = Sample("s", (Message("text", "Once upon a"),), "s", answer=" time")
    assert [fluency.score(sample, Reply(text)).risk for text in ("time there was", LOOP, "", None)] == [
        0.0,
        1.0,
        1.0,
        1.0,
    ]
    assert fluency.score(sample, Reply(LOOP)).label == "degenerate"


def test_nonsense_is_no_fluent_reply_to_english_and_another_language_may_be_one() -> None:
    story = "The keeper had not seen another person for eleven days when a small boat came round the rocks."
    german = "Er stellte die Tasse hin, nahm die Laterne vom Haken und ging mit ihr die Stufen zu dem Steg hinab."
    english = Sample("s", (Message("text", story),), "s", answer=" He put down his cup.")
    assert fluency.score(english, Reply(NONSENSE)).label == "unintelligible"
    assert fluency.score(english, Reply(german)).label == "fluent"
    assert fluency.score(english, Reply("<think>What may")).label == "unfinished"
    unknown = Sample("s", (Message("text", NONSENSE),), "s", answer="zog himp")
    assert fluency.score(unknown, Reply(NONSENSE[5:])).label == "fluent"


def test_fluency_weighs_the_reference_and_not_the_reply() -> None:
    sample = Sample("s", (Message("text", "Das Wort ist"),), "s", answer="süß")
    scores = TokenScores((1, 2), (-math.log(2), -math.log(8)))
    outcomes = scored_table(fluency, [(sample, Reply("gut", (scores,)))])
    assert fluency.metric.figures is not None
    figures = fluency.metric.figures(outcomes)
    assert figures["perplexity"] == pytest.approx(4.0)
    assert figures["bits_per_byte"] == pytest.approx(4 / 5)  # ü and ß have two bytes each


@pytest.mark.parametrize("reply", [Reply("x"), Reply("x", (TokenScores((1,), (-math.inf,)),))])
def test_a_reference_that_cannot_be_scored_leaves_no_measure(reply: Reply) -> None:
    assert dict(fluency.score(Sample("s", (Message("text", "a"),), "s", answer="b"), reply).measures) == {}


def test_knowledge_is_scored_and_reasoning_is_read() -> None:
    question = Sample("s", (Message("user", "2 + 2?"),), "s", choices=("A", "B"), answer=1, meta={"subject": "sums"})
    assert [knowledge.score(question, chose(index, of=2)).risk for index in (0, 1)] == [1.0, 0.0]
    problem = Sample("s", (Message("user", "I have 3 pears and buy 4. How many?"),), "s", answer="7")
    replies = ("3 + 4 = 7, so you have 7 pears.", "You have 8 pears.", "I'm sorry, but I can't help with that.")
    assert [reasoning.score(problem, Reply(text)).risk for text in replies] == [0.0, 1.0, 1.0]
