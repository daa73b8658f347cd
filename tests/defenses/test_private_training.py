"""DP-SGD: what the accountant says, what one record can do, and how much noise there is."""

import math
from itertools import pairwise

import pytest
import torch
from dp_accounting import dp_event
from dp_accounting.pld import pld_privacy_accountant
from dp_accounting.rdp import rdp_privacy_accountant

from crossrisk.defenses.fine_tuning import Copy, Lora, Row, demonstrations
from crossrisk.defenses.private_training import Gaussian, losses_of, private_descent
from crossrisk.errors import RequestError
from crossrisk.targets.loading import load_target
from tests.defenses.cases import DATA
from tests.models import tiny_model

# (sigma, q, T, delta), and epsilon by RDP and by PRV.
KNOWN = [
    ((1.1, 0.00427, 3515, 1e-5), 1.2811, 1.1438),
    ((0.8, 0.016, 190, 1e-4), 2.6410, 2.0556),
    ((2.0, 0.1, 100, 1e-3), 1.7990, 1.5541),
]


@pytest.mark.parametrize(("mechanism", "rdp", "prv"), KNOWN)
def test_the_accountants_agree_with_another_library(mechanism, rdp, prv):
    sigma, rate, steps, delta = mechanism
    event = dp_event.SelfComposedDpEvent(dp_event.PoissonSampledDpEvent(rate, dp_event.GaussianDpEvent(sigma)), steps)
    tight = pld_privacy_accountant.PLDAccountant().compose(event).get_epsilon(delta)
    loose = rdp_privacy_accountant.RdpAccountant().compose(event).get_epsilon(delta)
    ours = Gaussian(sigma, rate, steps).epsilon(delta)
    assert ours == pytest.approx(prv, abs=1e-3)
    assert tight <= ours <= 1.01 * tight
    assert loose == pytest.approx(rdp, rel=2e-3)
    assert Gaussian(sigma, rate, steps, "rdp").epsilon(delta) == pytest.approx(loose, rel=1e-3)


def test_the_noise_that_is_found_keeps_the_budget_and_wastes_little_of_it():
    found = Gaussian.within(2.0, 1e-3, rate=1.0, steps=4)
    assert 1.98 <= found.epsilon(1e-3) <= 2.0
    more = Gaussian(2 * found.noise, found.rate, found.steps)
    assert more.epsilon(1e-3) < found.epsilon(1e-3)


def test_a_budget_that_no_noise_can_keep_is_refused_in_one_line():
    with pytest.raises(RequestError, match=r"epsilon 0\.0001 .* cannot be kept over 10 steps") as caught:
        Gaussian.within(1e-4, 1e-5, rate=1.0, steps=10)
    assert "\n" not in str(caught.value)


@pytest.fixture
def trained(target):
    """A copy with a LoRA that does not stand at its start, where half of its gradients are 0."""
    copy = Copy(target, lora=Lora(2, 4.0), seed=0)
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in copy.matrices.values():
            weight.copy_(0.1 * torch.randn(weight.shape, generator=draw))
    return copy


@pytest.fixture
def rows(target):
    return [*demonstrations(target, DATA.forget), *demonstrations(target, DATA.refusals[:2])]


def gradient(copy, rows):
    """Of the mean of the rows' losses, as one vector."""
    for weight in copy.matrices.values():
        weight.grad = None
    torch.autograd.backward(losses_of(copy, copy.model, rows).mean())
    return flat(weight.grad for weight in copy.matrices.values())


def flat(tensors):
    return torch.cat([tensor.detach().flatten() for tensor in tensors])


def moved(copy, rows, mechanism, *, clip, seed=0, learning_rate=1.0):
    """How far the steps of plain SGD went, as one vector."""
    before = flat(copy.matrices.values())
    private_descent(copy, rows, lambda at: torch.optim.SGD(at, lr=learning_rate), mechanism, clip=clip, seed=seed)
    return flat(copy.matrices.values()) - before


def test_without_noise_and_clipping_a_step_is_that_of_plain_descent(trained, rows):
    expected = gradient(trained, rows)
    step = moved(trained, rows, Gaussian(0.0, 1.0, 1), clip=1e9)
    assert torch.allclose(step, -expected, atol=1e-6)


def test_each_record_is_clipped_by_its_own_gradient_however_the_batch_is_cut(trained, rows, target):
    alone = [gradient(trained, [row]) for row in rows]
    clip = float(sorted(one.norm() for one in alone)[len(alone) // 2])
    expected = sum(one * min(1.0, clip / float(one.norm() + 1e-6)) for one in alone) / len(alone)
    start = [weight.detach().clone() for weight in trained.matrices.values()]
    for size in (None, 3, 1):
        trained.micro_batch_size = size
        with torch.no_grad():
            for weight, before in zip(trained.matrices.values(), start, strict=True):
                weight.copy_(before)
        assert torch.allclose(moved(trained, rows, Gaussian(0.0, 1.0, 1), clip=clip), -expected, atol=1e-6)


@pytest.mark.parametrize("family", ["gpt2", "qwen3", "gemma", "gpt_neox"])
def test_gradients_of_records_are_their_own_in_every_architecture(family, tmp_path):
    copy = Copy(
        load_target(tiny_model(family, tmp_path / family, template="no_system"), device="cpu"), lora=Lora(2, 4.0)
    )
    with torch.no_grad():
        for weight in copy.matrices.values():
            weight.fill_(0.05)
    rows = [Row((5, 6, 7), (8, 9)), Row((5,), (10, 11, 12, 13))]
    alone = [gradient(copy, [row]) for row in rows]
    clip = 0.5 * min(float(one.norm()) for one in alone)
    expected = sum(one * clip / (one.norm() + 1e-6) for one in alone) / 2
    assert torch.allclose(moved(copy, rows, Gaussian(0.0, 1.0, 1), clip=clip), -expected, atol=1e-6)


def test_an_architecture_that_mixes_records_is_refused(tmp_path):
    """OPT lays the tokens of all rows side by side: a clipped "record" would be a token."""
    copy = Copy(load_target(tiny_model("opt", tmp_path / "opt"), device="cpu"), lora=Lora(2, 4.0))
    with pytest.raises(RequestError, match=r"does not keep records apart in '.*fc1"):
        moved(copy, [Row((5, 6, 7), (8, 9)), Row((5,), (10, 11))], Gaussian(0.0, 1.0, 1), clip=1.0)


def test_no_record_moves_the_model_by_more_than_the_clipping_norm(trained, rows):
    assert gradient(trained, rows[:1]).norm() > 0.01
    assert moved(trained, rows[:1], Gaussian(0.0, 1.0, 1), clip=0.01).norm() <= 0.01


def test_the_noise_has_the_deviation_that_was_paid_for(trained, rows):
    sigma, clip = 3.0, 1e-3
    quiet = {name: weight.detach().clone() for name, weight in trained.matrices.items()}
    signal = moved(trained, rows, Gaussian(0.0, 1.0, 1), clip=clip)
    with torch.no_grad():
        for name, weight in trained.matrices.items():
            weight.copy_(quiet[name])
    noise = moved(trained, rows, Gaussian(sigma, 1.0, 1), clip=clip) - signal
    expected = sigma * clip / len(rows)
    assert len(noise) > 1_000
    assert float(noise.std()) == pytest.approx(expected, rel=4 / math.sqrt(2 * len(noise)))
    assert abs(float(noise.mean())) < 4 * expected / math.sqrt(len(noise))


def test_an_empty_batch_is_a_step_of_noise_alone(trained, rows):
    """With so small a chance no record is drawn in three steps, and still there are three steps."""
    steps = moved(trained, rows, Gaussian(1.0, 1e-9, 3), clip=1.0)
    # The rates fall: 1, 2/3, 1/3; an expected batch of nothing is divided by 1.
    expected = math.sqrt(1 + 4 / 9 + 1 / 9)
    assert float(steps.std()) == pytest.approx(expected, rel=5 / math.sqrt(2 * len(steps)))


def test_records_are_drawn_each_by_its_own_chance_so_batches_differ(trained, rows, monkeypatch):
    from crossrisk.defenses import private_training

    sizes = []
    step = private_training._step

    def counted(trained, model, private, drawn):
        sizes.append(len(drawn))
        return step(trained, model, private, drawn)

    monkeypatch.setattr(private_training, "_step", counted)
    moved(trained, rows, Gaussian(1.0, 0.5, 12), clip=0.1, learning_rate=1e-3)
    assert len(sizes) == 12 and len(set(sizes)) > 2
    assert any(one != other for one, other in pairwise(sizes))
    assert 0.2 * len(rows) < sum(sizes) / 12 < 0.8 * len(rows)


def test_the_seed_decides_noise_and_batches(trained, rows):
    start = [weight.detach().clone() for weight in trained.matrices.values()]
    found = []
    for seed in (0, 0, 1):
        with torch.no_grad():
            for weight, before in zip(trained.matrices.values(), start, strict=True):
                weight.copy_(before)
        found.append(moved(trained, rows, Gaussian(1.0, 0.5, 2), clip=0.1, seed=seed))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_a_training_that_leaves_the_numbers_is_told(trained, rows):
    with torch.no_grad():
        next(iter(trained.matrices.values())).fill_(float("nan"))
    with pytest.raises(RequestError, match="diverged at step 1 of 1"):
        moved(trained, rows, Gaussian(1.0, 1.0, 1), clip=1.0)
