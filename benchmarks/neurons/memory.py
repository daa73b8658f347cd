"""Memory that attribution takes beside the model, when it may take a share of it (`batching` with `least` 0).

Each case is a fresh process. Resident: the peak that the kernel saw, over what was there with the model loaded and
after one pass; large blocks go back to the system as soon as they are freed (`MALLOC_MMAP_THRESHOLD_`). Allocated: the
peak of what PyTorch gave out, without what BLAS takes for itself.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.neurons.llamas import SHAPES, random_contrasts, random_llama
from crossrisk.neurons.attribution.contrasts import Contrast
from crossrisk.neurons.attribution.first_order import base_against_defended, batching, gradient_times_activation
from crossrisk.targets.neuron_passes import batches_of, run
from crossrisk.targets.target import Target

CASES = (("124M", "float32", 1), ("124M", "bfloat16", 1), ("124M", "float32", 2), ("1.2B", "float32", 1))
KB = 1024


def weigh(shape: str, dtype: str, arms: int) -> dict[str, float]:
    """Bytes of the model, and those that were taken beside it; tokens of a batch. In this process."""
    torch.set_num_threads(1)
    target = random_llama(shape, getattr(torch, dtype))
    size = sum(parameter.numel() * parameter.element_size() for parameter in target.model.parameters())
    how = batching(target.model, least=0, arms=arms)
    contrasts = random_contrasts(target, 6 if shape == "124M" else 2)
    run(target, [contrasts[0].safe], gradients=True)  # what libraries set up at the first pass
    rows = [row for one in contrasts for row in (one.risky, one.safe)]
    batches = batches_of(rows, how.tokens)
    before = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins here
    for piece in _pieces(target, contrasts, arms):
        assert piece.attributions.isfinite().all()
    return {
        "model": size,
        "taken": _resident("VmHWM") - before,
        "allocated": _allocated(target, contrasts[:2], arms),
        "tokens": how.tokens,
        "recompute": how.recompute,
        "fullest": max(len(batch) * len(rows[batch[0]].tokens) for batch in batches),
    }


def _pieces(target: Target, contrasts: list[Contrast], arms: int) -> Iterator:
    """Two arms are the same model twice, whose weights count once."""
    if arms == 1:
        yield from gradient_times_activation(target, contrasts, how=batching(target.model, least=0))
    else:
        how = batching(target.model, least=0, arms=2)
        yield from base_against_defended(target, target, (contrasts, contrasts), how=how)


def _allocated(target: Target, contrasts: list[Contrast], arms: int) -> int:
    """The most that PyTorch's allocator had given out at one time, of what it gave out for these contrasts."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        for _ in _pieces(target, contrasts, arms):
            pass
    results = recorded.profiler.kineto_results
    changes = sorted((event.start_ns(), event.nbytes()) for event in results.events() if event.name() == "[memory]")
    return max(accumulate(change for _, change in changes))


def _resident(name: str) -> int:
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name)]
    return int(line.split()[1]) * KB


HEAD = """\
| model | type | arms | models, MB | resident, MB | share | allocated, MB | share | tokens of a batch | computed again |
|---|---|--:|--:|--:|--:|--:|--:|--:|---|"""


def table() -> Iterator[str]:
    """Shares are of the models together: two arms are two models."""
    yield HEAD
    for shape, dtype, arms in CASES:
        found = _weighed(shape, dtype, arms)
        models = arms * found["model"]
        shares = " | ".join(f"{found[name] / 1e6:.0f} | {found[name] / models:.1%}" for name in ("taken", "allocated"))
        again = "yes" if found["recompute"] else "no"
        yield f"| {shape} | {dtype} | {arms} | {models / 1e6:,.0f} | {shares} | {found['tokens']:.0f} | {again} |"


def _weighed(shape: str, dtype: str, arms: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.neurons.memory", shape, dtype, str(arms)]
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    told = subprocess.run(command, env=environment, check=True, capture_output=True).stdout
    found: dict[str, float] = json.loads(told)
    return found


if __name__ == "__main__":
    asked_shape, asked_dtype, asked_arms = sys.argv[1:]
    assert asked_shape in SHAPES
    print(json.dumps(weigh(asked_shape, asked_dtype, int(asked_arms))))
