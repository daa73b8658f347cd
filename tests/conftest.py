"""Fixtures that every room's tests may use. Nothing here reaches the network."""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.models import tiny_model

# A busy machine is slow now and then; that is no property of the code.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture(scope="session", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of the session's own, so that no test sees or touches the user's."""
    folder = tmp_path_factory.mktemp("cache")
    os.environ["CROSSRISK_CACHE"] = str(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a random Llama of 40k parameters in Hub format, with a chat template that knows the system role."""
    return tiny_model("llama", tmp_path_factory.mktemp("models") / "tiny-llama")
