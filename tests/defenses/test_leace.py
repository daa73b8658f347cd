"""Concept erasure: no linear reader finds the concept any more, and nothing else moves further than it must."""

import pytest
import torch
from torch import nn

from crossrisk.defenses.defense import Artifact, Labelled
from crossrisk.defenses.erasure import Eraser, fitted_eraser
from crossrisk.defenses.logistic import fit_probe
from crossrisk.errors import RequestError
from crossrisk.registry import DEFENSES
from crossrisk.targets.layers import decoder_layers, hooked, layer_output
from crossrisk.targets.loading import load_target
from tests.defenses.cases import DATA, ask, scores
from tests.models import FAMILIES, tiny_model

ROWS, WIDTH = 2000, 12


def drawn(
    *, mean: float = 0.0, spread: float = 1.0, groups: int = 2, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Correlated states in which a group shows as a mean of its own, or as a spread of its own."""
    draw = torch.Generator().manual_seed(seed)
    mixing = torch.randn(WIDTH, WIDTH, generator=torch.Generator().manual_seed(99), dtype=torch.float64)
    group = torch.randint(groups, (ROWS,), generator=draw)
    states = torch.randn(ROWS, WIDTH, generator=draw, dtype=torch.float64)
    for k in range(groups):
        states[group == k, k] = states[group == k, k] * (spread if k == 1 else 1.0) + mean
    return states @ mixing + 3.0, group


def projection(eraser: Eraser) -> torch.Tensor:
    return torch.eye(WIDTH, dtype=torch.float64) - eraser.left.double() @ eraser.right.double()


def linear_accuracy(states: torch.Tensor, group: torch.Tensor, held: torch.Tensor, held_group: torch.Tensor) -> float:
    probe = fit_probe(states[group == 1].numpy(), states[group == 0].numpy(), penalty=1e-6)
    said = torch.from_numpy(probe.probability(held.numpy()) > 0.5)
    return float((said == (held_group == 1)).double().mean())


@pytest.mark.parametrize("groups", [2, 3, 5])
def test_it_is_a_projection_of_rank_groups_less_one_that_keeps_the_mean_and_the_covariance_with_the_group_is_nil(
    groups,
):
    states, group = drawn(mean=1.5, groups=groups)
    eraser = fitted_eraser(states, group)
    keeps = projection(eraser)
    assert eraser.left.shape == (WIDTH, groups - 1)
    assert torch.linalg.matrix_rank(torch.eye(WIDTH) - keeps.float(), atol=1e-4) == groups - 1
    torch.testing.assert_close(keeps @ keeps, keeps, atol=1e-5, rtol=0)
    after = states - (states - eraser.mean) @ (torch.eye(WIDTH) - keeps).T
    torch.testing.assert_close(after.mean(dim=0), states.mean(dim=0), atol=1e-4, rtol=0)
    for k in range(groups):
        before = (states[group == k].mean(dim=0) - states.mean(dim=0)).norm()
        assert (after[group == k].mean(dim=0) - after.mean(dim=0)).norm() < 1e-4 * before
    torch.testing.assert_close(eraser(states).double(), after, atol=1e-3, rtol=1e-4)


def test_a_linear_probe_that_found_the_concept_is_left_at_chance():
    states, group = drawn(mean=2.0)
    held, held_group = drawn(mean=2.0, seed=1)
    eraser = fitted_eraser(states, group)
    assert linear_accuracy(states, group, held, held_group) > 0.9
    after, held_after = eraser(states).double(), eraser(held).double()
    majority = float(max(held_group.double().mean(), 1 - held_group.double().mean()))
    assert linear_accuracy(after, group, held_after, held_group) < majority + 0.04


def test_what_a_variance_tells_stays_readable_for_more_than_linear_readers():
    states, group = drawn(spread=6.0)
    held, held_group = drawn(spread=6.0, seed=1)
    eraser = fitted_eraser(states, group)
    after, held_after = eraser(states), eraser(held)
    assert linear_accuracy(after.double(), group, held_after.double(), held_group) < 0.58
    with torch.random.fork_rng():
        torch.manual_seed(0)
        reader = nn.Sequential(nn.Linear(WIDTH, 64), nn.ReLU(), nn.Linear(64, 2))
        optimiser = torch.optim.Adam(reader.parameters(), lr=1e-2)
        mean, scale = after.mean(dim=0), after.std(dim=0)
        for _ in range(200):
            optimiser.zero_grad()
            torch.autograd.backward(nn.functional.cross_entropy(reader((after - mean) / scale), group))
            optimiser.step()
    said = reader((held_after - mean) / scale).argmax(dim=1)
    assert float((said == held_group).double().mean()) > 0.75


def test_a_rare_and_weak_concept_is_erased_as_well():
    """With the package's own tolerance it would silently stay."""
    draw = torch.Generator().manual_seed(0)
    states = torch.randn(4000, WIDTH, generator=draw, dtype=torch.float64)
    group = (torch.arange(4000) < 40).long()
    states[group == 1, 0] += 0.3
    eraser = fitted_eraser(states, group)
    assert eraser.left.shape == (WIDTH, 1)
    after = eraser(states).double()
    assert (after[group == 1].mean(dim=0) - after[group == 0].mean(dim=0)).norm() < 1e-5


def test_rows_of_no_group_change_what_is_least_and_not_what_is_erased():
    states, group = drawn(mean=1.5)
    other = torch.randn(ROWS, WIDTH, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    alone = fitted_eraser(states, group)
    beside = fitted_eraser(torch.cat([states, other]), torch.cat([group, torch.full((ROWS,), -1)]))
    gap = [
        (eraser(states)[group == 1].mean(dim=0) - eraser(states)[group == 0].mean(dim=0)).norm()
        for eraser in (alone, beside)
    ]
    assert max(gap) < 1e-3

    def moved(eraser: Eraser) -> float:
        shift = (eraser(other).double() - other) @ torch.eye(WIDTH, dtype=torch.float64)
        return float((shift - shift.mean(dim=0)).norm())

    assert moved(beside) < moved(alone)


def everywhere(target, texts) -> list[torch.Tensor]:
    """Scrubbed states of all tokens at every place, one row at a time."""
    found: list[list[torch.Tensor]] = [[] for _ in range(len(decoder_layers(target.model)) + 1)]
    layers = decoder_layers(target.model)

    def before(module, args):
        found[0].append(args[0][0].double())

    def after(place):
        return lambda module, args, output: found[place].append(layer_output(output)[0].double())

    with (
        torch.no_grad(),
        hooked([(layer, after(i + 1)) for i, layer in enumerate(layers)], before=[(layers[0], before)]),
    ):
        for text in texts:
            target.model(torch.tensor([target.encode(ask(text))]))
    return [torch.cat(states) for states in found]


@pytest.mark.parametrize("family", FAMILIES)
def test_in_every_family_the_groups_have_the_same_mean_at_every_place(family, tmp_path):
    target = load_target(tiny_model(family, tmp_path / family), device="cpu")
    one = DEFENSES.get("leace")()
    artifact = one.fit(target, DATA, seed=0, strength=1.0)
    texts = [text.text for text in DATA.concepts]
    rows = torch.cat([torch.full((len(target.encode(ask(text))),), i) for i, text in enumerate(texts)])
    gaps = []
    with one.deploy(target, artifact) as defended:
        for arm in (defended, None):
            states = everywhere(target, texts) if arm is not None else []
            gaps.append(
                [max(float((s[rows == i].mean(dim=0) - s.mean(dim=0)).norm()) for i in range(5)) for s in states]
            )
    plain = [
        max(float((s[rows == i].mean(dim=0) - s.mean(dim=0)).norm()) for i in range(5))
        for s in everywhere(target, texts)
    ]
    assert all(after < 2e-3 * before for after, before in zip(gaps[0], plain, strict=True))


def test_it_acts_on_training_of_outer_defenses_since_it_stands_on_the_model(target, request):
    one, artifact = request.getfixturevalue("fitted")("leace")
    outer, on_base = request.getfixturevalue("fitted")("npo")
    with one.deploy(target, artifact) as scrubbed:
        said = scores(scrubbed)
        on_scrubbed = outer.fit(scrubbed, DATA, seed=0, strength=1.0)
        with outer.deploy(scrubbed, on_scrubbed) as twice:
            assert scores(twice) != said
        assert scores(scrubbed) == said
    assert on_scrubbed.sha256 != on_base.sha256


def test_half_of_it_takes_half_of_the_concept_out(target):
    one = DEFENSES.get("leace")()
    half, full = (one.fit(target, DATA, seed=0, strength=strength) for strength in (0.5, 1.0))
    torch.testing.assert_close(half.tensors["places.0.left"], 0.5 * full.tensors["places.0.left"])
    torch.testing.assert_close(half.tensors["places.0.right"], full.tensors["places.0.right"])


def test_one_group_alone_is_no_concept(target):
    from dataclasses import replace

    data = replace(DATA, concepts=(Labelled("The doctor reads.", "doctor"),) * 3)
    with pytest.raises(RequestError, match="at least two groups"):
        DEFENSES.get("leace")().fit(target, data, seed=0, strength=1.0)


def test_a_concept_that_is_longer_than_the_context_is_told(tmp_path):
    from dataclasses import replace

    target = load_target(str(tiny_model("gpt2", tmp_path, max_positions=64)))
    data = replace(DATA, concepts=(*DATA.concepts, Labelled("The doctor reads a book. " * 20, "doctor")))
    with pytest.raises(RequestError, match=r"the concept 'The doctor reads .* exceed the 64 positions"):
        DEFENSES.get("leace")().fit(target, data, seed=0, strength=1.0)


def test_erasers_of_another_model_are_refused(target):
    one = DEFENSES.get("leace")()
    other = {
        f"places.0.{part}": torch.zeros(8, 1) if part == "left" else torch.zeros(8)
        for part in ("left", "right", "mean")
    }
    with (
        pytest.raises(RequestError, match="fitted on another model"),
        one.deploy(target, Artifact("vectors", other, {})),
    ):
        pass
