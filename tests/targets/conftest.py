"""A loaded tiny model of each family, and chats of different lengths to ask them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from crossrisk.risks import Chat, Message
from crossrisk.targets.loading import load_target
from crossrisk.targets.target import Target
from tests.models import FAMILIES, Family, tiny_model


@pytest.fixture(scope="session")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Family], Path]:
    """The folder of the tiny model of a family, made once a session."""
    made: dict[Family, Path] = {}

    def folder(family: Family) -> Path:
        if family not in made:
            made[family] = tiny_model(family, tmp_path_factory.mktemp("family") / family)
        return made[family]

    return folder


@pytest.fixture(scope="session", params=FAMILIES)
def target(request: pytest.FixtureRequest, folder_of: Callable[[Family], Path]) -> Target:
    """Each family in turn, in float32 on the CPU."""
    return load_target(folder_of(request.param), device="cpu")


@pytest.fixture(scope="session")
def llama(tiny_llama: Path) -> Target:
    return load_target(tiny_llama, device="cpu")


@pytest.fixture(scope="session")
def chats() -> list[Chat]:
    """Seven chats, no two of equal length, in no order of length."""
    turns = ["the doctor reads", "a", "please answer: what is the name?", "bread and the garden of the baker"]
    single = [(Message("user", turn),) for turn in turns]
    return [
        *single,
        (Message("system", "be kind"), Message("user", "who lives in the house?")),
        (Message("user", "hello"), Message("assistant", "yes"), Message("user", "and the book?")),
        (Message("text", "The baker bought"),),
    ]
