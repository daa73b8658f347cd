"""Every parser of a public set, on damaged files: complete samples or one clear line, never a silent skip.

A source needs nothing for it but to read its files through `PublicFile.content`, to name them in `Source.files`, and an
example of each in `tests/sources/examples`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crossrisk.errors import RequestError
from crossrisk.registry import SOURCES
from crossrisk.risks import Sample
from crossrisk.sources.public import PublicFile
from tests.sources.contract import check
from tests.sources.damage import Damaged, damaged
from tests.sources.examples import every_example

EXAMPLES = every_example()
PUBLIC = [name for name in SOURCES if SOURCES.get(name).files]
CELLS = [(name, task) for name in PUBLIC for task in SOURCES.get(name).loaders]
LONGEST_LINE = 400


@contextmanager
def files_hold(contents: Mapping[str, bytes]) -> Iterator[set[str]]:
    """Public files have this content, by place; gives the places that were read."""
    read: set[str] = set()

    def content(file: PublicFile) -> bytes:
        read.add(file.place)
        return contents[file.place]

    with patch.object(PublicFile, "content", content):
        yield read


def samples_of(name: str, task: str, contents: Mapping[str, bytes]) -> tuple[Sample, ...]:
    with files_hold(contents):
        samples: tuple[Sample, ...] = SOURCES.get(name).samples(task)
    return samples


@pytest.mark.parametrize("name", PUBLIC)
def test_every_file_has_an_example(name: str) -> None:
    assert [file.place for file in SOURCES.get(name).files if file.place not in EXAMPLES] == []


@pytest.mark.parametrize(("name", "task"), CELLS)
def test_examples_become_samples_that_keep_the_contract(name: str, task: str) -> None:
    with files_hold(EXAMPLES) as read:
        check(task, SOURCES.get(name).samples(task))
    assert read <= {file.place for file in SOURCES.get(name).files}


def survives(name: str, task: str, file: PublicFile, damage: Damaged) -> None:
    """Either the samples are complete, or one line says which file is wrong."""
    before = samples_of(name, task, EXAMPLES)
    try:
        after = samples_of(name, task, {**EXAMPLES, file.place: damage.content})
    except RequestError as error:
        line = str(error)
        assert "\n" not in line
        assert len(line) <= LONGEST_LINE
        assert any(known.name in line for known in SOURCES.get(name).files), line
        return
    check(task, after)
    if damage.keeps_rows:
        assert len(after) >= len(before), f"{damage.how}: {len(before) - len(after)} samples were lost without a word"


@st.composite
def files_and_damage(
    draw: st.DrawFn, places: frozenset[str], files: tuple[PublicFile, ...]
) -> tuple[PublicFile, Damaged]:
    file = draw(st.sampled_from([file for file in files if file.place in places]))
    return file, draw(damaged(file.name, EXAMPLES[file.place]))


def fuzz(name: str, task: str, examples: int) -> None:
    with files_hold(EXAMPLES) as read:
        SOURCES.get(name).samples(task)

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(files_and_damage(frozenset(read), SOURCES.get(name).files))
    def survive(drawn: tuple[PublicFile, Damaged]) -> None:
        survives(name, task, *drawn)

    survive()


@pytest.mark.parametrize(("name", "task"), CELLS)
def test_a_damaged_file_is_read_whole_or_refused_in_one_line(name: str, task: str) -> None:
    fuzz(name, task, examples=60)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "task"), CELLS)
def test_hundreds_of_damaged_files_are_read_whole_or_refused_in_one_line(name: str, task: str) -> None:
    fuzz(name, task, examples=500)
