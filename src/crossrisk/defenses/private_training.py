"""DP-SGD: each record's gradient is clipped, the sum of them noised, and an accountant counts what all steps reveal.

Abadi et al. (2016), arXiv 1607.00133, by Opacus (arXiv 2109.12298). Every record is in a batch with the same chance,
whatever else is in it (Poisson sampling, which the accountant presumes), so batches vary in size. One that is empty is
a step like any other, of noise alone: to leave it out would tell that it was empty.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from crossrisk.defenses.fine_tuning import Copy, Row, check_finite, log_probs_of_replies
from crossrisk.errors import RequestError

try:
    from opacus import GradSampleModule
    from opacus.accountants import create_accountant
    from opacus.accountants.utils import get_noise_multiplier
    from opacus.optimizers import DPOptimizer
    from opacus.utils.uniform_sampler import UniformWithReplacementSampler
except ImportError as error:
    raise RequestError(
        f"training with differential privacy needs the package '{error.name}': pip install 'crossrisk[dp]'"
    ) from error

Optimiser = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
ROWS_AT_ONCE = 64  # rows whose gradients are in memory together where nothing else is asked for


@dataclass(frozen=True)
class Gaussian:
    """The subsampled Gaussian mechanism, composed with itself.

    noise: sigma, in units of the clipping norm. rate: q, the chance of each record to be in a batch. steps: T.
    accountant: `prv` (Gopi et al. 2021, arXiv 2106.02848), or `rdp`, which says somewhat more.
    """

    noise: float
    rate: float
    steps: int
    accountant: str = "prv"

    @classmethod
    def within(cls, epsilon: float, delta: float, *, rate: float, steps: int, accountant: str = "prv") -> "Gaussian":
        """The mechanism with the least noise that keeps the budget, to within a hundredth of it.

        Raises RequestError for a budget that no noise keeps, as far as the accountant can tell.
        """
        try:
            noise = _least_noise(epsilon, delta, rate, steps, accountant)
        except (ValueError, ArithmeticError, RuntimeError, MemoryError) as error:
            raise RequestError(
                f"epsilon {epsilon:g} at delta {delta:.2g} cannot be kept over {steps} steps that each see a share of "
                f"{rate:.2g} of the records, whatever the noise: raise `epsilon`, or lower `steps` or `batch_size`"
            ) from error
        return cls(noise, rate, steps, accountant)

    def epsilon(self, delta: float) -> float:
        """What all steps together reveal of one record at most, but for the chance delta."""
        return _epsilon(self, delta)


@cache
def _epsilon(mechanism: Gaussian, delta: float) -> float:
    counting = create_accountant(mechanism=mechanism.accountant)
    counting.history = [(mechanism.noise, mechanism.rate, mechanism.steps)]
    with _silence():
        return float(counting.get_epsilon(delta=delta))


@cache
def _least_noise(epsilon: float, delta: float, rate: float, steps: int, accountant: str) -> float:
    with _silence():
        noise = get_noise_multiplier(
            target_epsilon=epsilon,
            target_delta=delta,
            sample_rate=rate,
            steps=steps,
            accountant=accountant,
            epsilon_tolerance=epsilon / 100,
        )
    return float(noise)


def private_descent(
    trained: Copy, rows: Sequence[Row], optimiser: Optimiser, mechanism: Gaussian, *, clip: float, seed: int
) -> list[float]:
    """Train a copy's LoRA on records; returns the mean loss of each batch that was not empty, in nats per token.

    A record's loss is the mean over its own reply, and its gradient has at most the norm `clip`. The learning rate
    falls linearly to 0. Raises RequestError where a loss is no number.
    """
    learning = list(trained.matrices.values())
    for module in trained.model.modules():
        # Opacus watches modules in training alone; the rest of the model stays without its dropout.
        module.training = any(weight.requires_grad for weight in module.parameters(recurse=False))
    draw = torch.Generator().manual_seed(seed)
    batches = UniformWithReplacementSampler(
        num_samples=len(rows), sample_rate=mechanism.rate, generator=draw, steps=mechanism.steps
    )
    with _watched(trained.model) as model:
        private = DPOptimizer(
            optimiser(learning),
            noise_multiplier=mechanism.noise,
            max_grad_norm=clip,
            expected_batch_size=max(1, round(mechanism.rate * len(rows))),
            loss_reduction="mean",
            generator=torch.Generator(device=trained.device).manual_seed(seed + 1),
        )
        highest, seen = [group["lr"] for group in private.param_groups], []
        for step, drawn in enumerate(batches):
            for group, rate in zip(private.param_groups, highest, strict=True):
                group["lr"] = rate * (1 - step / mechanism.steps)
            losses = _step(trained, model, private, [rows[i] for i in drawn])
            check_finite(losses, step, mechanism.steps, trained.name)
            seen += [sum(losses) / len(losses)] if losses else []
    return seen


def losses_of(trained: Copy, model: Any, rows: Sequence[Row]) -> Tensor:
    """Mean loss per token of each row's reply in nats, [rows]. model: that of the copy, or what stands around it."""
    batch = trained.batch(rows)
    return -log_probs_of_replies(model, batch) / batch.reply_tokens


def _step(trained: Copy, model: Any, private: DPOptimizer, rows: Sequence[Row]) -> list[float]:
    """One step on one batch, some rows at a time, those of like length together; the loss of each row."""
    size, losses = trained.micro_batch_size or ROWS_AT_ONCE, []
    ordered = sorted(rows, key=lambda row: len(row.prompt) + len(row.reply))
    for start in range(0, len(ordered), size):
        part = losses_of(trained, model, ordered[start : start + size])
        torch.autograd.backward(part.mean())
        _check_rows(trained, len(part))
        losses += part.tolist()
        private.signal_skip_step(do_skip=start + size < len(ordered))
        private.step()
        private.zero_grad(set_to_none=True)
    if not rows:
        for weight in private.params:
            weight.grad_sample = weight.new_zeros((0, *weight.shape))
        private.step()
        private.zero_grad(set_to_none=True)
    return losses


def _check_rows(trained: Copy, rows: int) -> None:
    """Raise RequestError unless every weight has one gradient a row. Some architectures (OPT, mixtures of experts) lay
    the tokens of all rows side by side, and then the gradient of a record cannot be told from that of a token."""
    for name, weight in trained.matrices.items():
        gradients = getattr(weight, "grad_sample", None)
        if gradients is None or len(gradients) != rows:
            raise RequestError(
                f"'{trained.name}' does not keep records apart in '{name.removeprefix('base_model.model.')}', so none "
                "can be clipped by itself: train a model of another architecture with privacy"
            )


@contextmanager
def _watched(model: Any) -> Iterator[Any]:
    """The model with a gradient of each row kept beside that of the batch, for the length of the block.

    Whatever runs through it with gradients on counts as a batch, so nothing else may.
    """
    with _silence():
        watched = GradSampleModule(model, batch_first=True, loss_reduction="mean")
        try:
            yield watched
        finally:
            watched.to_standard_module()
            model.eval()


@contextmanager
def _silence() -> Iterator[None]:
    """None of the reminders of Opacus and torch that hooks see a part of the model alone, as they should."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
