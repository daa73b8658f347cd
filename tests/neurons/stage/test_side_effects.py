"""What random sets are matched on: a set that was chosen by movement is held against neurons that moved as much."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from crossrisk.neurons.stage.side_effects import BY_MOVEMENT, _Test
from crossrisk.targets.layers import decoder_layers, down_projection
from crossrisk.targets.target import Target
from tests.neurons.arms import NEURONS, contrasts, two_arms

SILENCED = (3, 40)  # of the second layer
CHOSEN = {"conflict": np.array([1]), "moved": np.array([2]), "moved_alike": np.array([3])}


@torch.no_grad()
def silence(target: Target) -> None:
    down_projection(decoder_layers(target.model)[1]).weight[:, SILENCED] = 0.0


@pytest.fixture
def found(tiny_llama: Path):
    base, defended = two_arms(tiny_llama, silence)
    arms = {"misuse:world": contrasts(base, defended)}
    test = SimpleNamespace(models=SimpleNamespace(base=base), deployed=SimpleNamespace(target=defended))
    written = np.full((2, NEURONS // 2), 7.0)
    return written, _Test._sizes(test, CHOSEN, written, arms)


def test_sets_of_the_base_are_matched_on_what_neurons_write(found) -> None:
    written, sizes = found
    assert (sizes["conflict"] == written).all()


@pytest.mark.parametrize("name", BY_MOVEMENT)
def test_sets_chosen_by_movement_are_matched_on_movement(found, name: str) -> None:
    _, sizes = found
    assert set(np.flatnonzero(sizes[name][1])) == set(SILENCED)
    assert not sizes[name][0].any()
