"""Asking: what a target says of a sample by its number, the user hears by its id."""

from pathlib import Path

import pytest

from crossrisk.engine.asking import ask
from crossrisk.engine.plan import Question
from crossrisk.errors import RequestError
from crossrisk.risks import Message, Sample
from crossrisk.targets.loading import load_target
from crossrisk.tasks.task import Choose, Generate
from tests.engine.fakes import asked, chosen, source

LONG = Sample("the-long-one", (Message("user", "word " * 2000),), "c", choices=("yes", "no"), meta={"judge": "fake"})
SHORT = Sample("a-short-one", (Message("user", "word"),), "c", choices=("yes", "no"), meta={"judge": "fake"})


@pytest.mark.parametrize("task", [asked, chosen])
def test_a_prompt_longer_than_the_context_is_named_by_its_id(task, tiny_llama: Path) -> None:
    assert isinstance(task.ask, Generate | Choose)
    question = Question(task, source, (SHORT, SHORT, LONG), "", "yes:fake@1")
    with pytest.raises(RequestError, match=r"sample 'the-long-one'.*positions"):
        ask(load_target(tiny_llama), question, [0, 1, 2])
