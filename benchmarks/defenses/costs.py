"""Memory and time of every defense on models of 1 and 8 billion parameters, computed from shapes.

Each defense is fitted, with its own settings, on a *dry* model: 16 layers deep, but only 16 wide. Every pass through a
decoder layer is counted as it happens, so nothing about a defense is assumed. Shapes of the large model, and its depth,
then turn passes into operations: 2 a parameter and token forward, 2 for the gradient of the activations, 2 for that of
the parameters that are trained. Attention to the context is left out: under 5 % at 256 tokens.

Memory is what the fit needs: weights in bfloat16, 16 bytes for each number that is trained (itself, gradient and two
moments of AdamW, float32), and the activations of one micro-batch. `check` fits a random model of 125 million
parameters for real, and puts what it took beside what is computed.
"""

import math
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from crossrisk.catalogue import READY
from crossrisk.defenses.defense import Artifact, Defense, Demonstration, FitData, Labelled, Preference, Record
from crossrisk.errors import CrossRiskError
from crossrisk.registry import DEFENSES
from crossrisk.risks import Chat, Message, Risk
from crossrisk.targets.layers import decoder_layers
from crossrisk.targets.loading import load_target
from crossrisk.targets.target import GenerationConfig, Target

ROWS = 32  # of each kind of data
DRY_WORDS, TOKENS = 12, 256  # a prompt or reply on the dry model; prompt and reply of the workload together
EFFECTIVE = 400e12  # operations a second: two fifths of the 989e12 that an H100 or H200 is sold with in bfloat16
GIB = 2**30
# What its users would choose on a large model, where the defense has the setting.
LARGE = {"finetuning": "lora", "gradient_checkpointing": True, "micro_batch_size": 4}
# DP-SGD cannot recompute activations; the others want to be told what made-up data do not.
NEEDED: dict[str, dict[str, Any]] = {
    "dp_sgd": {"gradient_checkpointing": False},
    "self_check_input": {"threshold": 0.5},
    "self_check_output": {"threshold": 0.5},
    "bias_unlearn": {"terms": [f"topic{number}" for number in range(5)]},
}
WORDS = ("apple", "river", "garden", "window", "doctor", "stone", "letter", "bread", "house", "music")


@dataclass(frozen=True)
class Shape:
    """A Llama-like model. kv: width of keys and of values together with their heads' share."""

    name: str
    layers: int
    width: int
    mlp: int
    kv: int
    vocabulary: int
    tied: bool

    @property
    def layer(self) -> int:
        """Parameters of the matrices of one decoder layer."""
        return 2 * self.width**2 + 2 * self.width * self.kv + 3 * self.width * self.mlp

    @property
    def head(self) -> int:
        """Parameters of the head."""
        return self.width * self.vocabulary

    @property
    def parameters(self) -> int:
        """All of them, norms left out."""
        return self.layers * self.layer + self.head * (1 if self.tied else 2)

    def dry(self) -> "Shape":
        """As deep, but 16 wide and with no words of its own."""
        return replace(self, width=16, mlp=32, kv=16, vocabulary=0)

    def matrix(self, name: str) -> tuple[int, int]:
        """(out, in) of a decoder matrix by the last part of its name."""
        kinds = {
            "q_proj": (self.width, self.width),
            "k_proj": (self.kv, self.width),
            "v_proj": (self.kv, self.width),
            "o_proj": (self.width, self.width),
            "gate_proj": (self.mlp, self.width),
            "up_proj": (self.mlp, self.width),
            "down_proj": (self.width, self.mlp),
        }
        return kinds[next(part for part in name.split(".") if part in kinds)]


SHAPES = (
    Shape("1B", layers=16, width=2048, mlp=8192, kv=512, vocabulary=128_256, tied=True),
    Shape("8B", layers=32, width=4096, mlp=14_336, kv=1024, vocabulary=128_256, tied=False),
)
SMALL = Shape("125M", layers=12, width=768, mlp=3072, kv=768, vocabulary=16_384, tied=True)


@dataclass
class Passes:
    """Tokens times layers that went through the decoder, and tokens through the head."""

    forward: int = 0
    backward: int = 0
    head_forward: int = 0
    head_backward: int = 0

    def at(self, steps: int, two: "Passes") -> "Passes":
        """Of a fit of so many steps, from this one of one step and another of two: each step takes the same."""
        return Passes(
            *(one + (steps - 1) * (other - one) for one, other in zip(astuple(self), astuple(two), strict=True))
        )


@dataclass(frozen=True)
class Cost:
    """Of one fit. trained: numbers that are trained. memory: bytes. operations: in all."""

    trained: int
    memory: float
    operations: float

    @property
    def seconds(self) -> float:
        """On one large GPU."""
        return self.operations / EFFECTIVE


@contextmanager
def counted(target: Target) -> Iterator[Passes]:
    """Count every pass through the decoder layers and head of a model, and of copies of it, for the block."""
    from transformers.models.llama.modeling_llama import LlamaDecoderLayer

    passes, vocabulary = Passes(), target.model.config.vocab_size

    def forward(module: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(module, LlamaDecoderLayer):
            hidden = output[0] if isinstance(output, tuple) else output
            tokens = hidden.shape[0] * hidden.shape[1]
            passes.forward += tokens
            if hidden.requires_grad:
                hidden.register_hook(lambda gradient: _add(passes, "backward", tokens))
        elif isinstance(module, nn.Linear) and module.out_features == vocabulary:
            tokens = output.numel() // vocabulary
            passes.head_forward += tokens
            if output.requires_grad:
                output.register_hook(lambda gradient: _add(passes, "head_backward", tokens))

    handle = nn.modules.module.register_module_forward_hook(forward)
    try:
        yield passes
    finally:
        handle.remove()


def _add(passes: Passes, what: str, tokens: int) -> None:
    setattr(passes, what, getattr(passes, what) + tokens)


def random_model(shape: Shape, folder: Path) -> Target:
    """A random Llama of a shape, saved in Hub format and loaded in float32."""
    from transformers import LlamaConfig, LlamaForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    tokenizer = load_target("organism", device="cpu").tokenizer
    heads = max(2, shape.width // 64)
    config = LlamaConfig(
        vocab_size=max(shape.vocabulary, len(tokenizer)),
        hidden_size=shape.width,
        intermediate_size=shape.mlp,
        num_hidden_layers=shape.layers,
        num_attention_heads=heads,
        num_key_value_heads=heads * shape.kv // shape.width,
        max_position_embeddings=1024,
        tie_word_embeddings=shape.tied,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=0,
    )
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return load_target(folder, device="cpu")


def workload(rows: int = ROWS, words: int = DRY_WORDS) -> FitData:
    """Made-up data: as many rows of each kind, all about as long."""

    def text(row: int, key: int) -> str:
        said = " ".join(WORDS[(row * 7 + key * 3 + place) % len(WORDS)] for place in range(words))
        return f"{said} topic{row % 5} {row}"

    def ask(row: int, key: int) -> Chat:
        return (Message("user", text(row, key)),)

    def shown(key: int, reply: int) -> tuple[Demonstration, ...]:
        return tuple(Demonstration(ask(row, key), text(row, reply)) for row in range(rows))

    data = FitData(
        source="workload",
        checksum="0",
        pairs=tuple(Preference(ask(row, 0), chosen=text(row, 1), rejected=text(row, 2)) for row in range(rows)),
        forget=shown(0, 2),
        refusals=shown(0, 1),
        retain=shown(3, 4),
        concepts=tuple(Labelled(text(row // 2, 5) + f" {who}", who) for row in range(rows) for who in ("men", "women")),
        corpus=tuple(Record(one.messages, one.reply) for one in shown(6, 7)),
    )
    return data.beside(dict.fromkeys((Risk.FAIRNESS, Risk.PRIVACY), data))


def cost(defense: Defense, artifact: Artifact, passes: Passes, shape: Shape, *, dry_tokens: float, depth: int) -> Cost:
    """What the fit that was counted on `depth` layers would take on a shape, with rows of `TOKENS` tokens in place of
    `dry_tokens`."""
    longer, deeper = TOKENS / dry_tokens, shape.layers / depth
    trained = round(trained_numbers(artifact, shape) * deeper)
    share = trained / (shape.layers * shape.layer) if artifact.kind in ("delta", "adapter") else 0.0
    layers = 2 * deeper * shape.layer * (passes.forward + passes.backward * (1 + min(1.0, share)))
    heads = 2 * shape.head * (passes.head_forward + passes.head_backward)
    learns = passes.backward > 0
    memory = 2 * shape.parameters + held(artifact, learns=learns) * trained + activations(defense, shape, learns=learns)
    return Cost(trained, memory, longer * (layers + heads))


def held(artifact: Artifact, *, learns: bool) -> int:
    """Bytes a number of the artifact takes during the fit: what AdamW trains 16, sums of gradients 4, else nothing."""
    return 16 if "loss_first" in artifact.meta else 4 if learns else 0


def trained_numbers(artifact: Artifact, shape: Shape) -> int:
    """How many numbers the artifact would hold on a shape: its tensors with the dry width taken out."""
    total = 0
    for name, tensor in artifact.tensors.items():
        if artifact.kind == "adapter" and "lora_" in name:
            out, into = shape.matrix(name)
            total += tensor.shape[0] * into if "lora_A" in name else out * tensor.shape[1]
        elif artifact.kind == "delta" and tensor.dim() == 2:
            total += math.prod(shape.matrix(name))
        else:
            total += tensor.numel() // max(1, tensor.shape[-1]) * shape.width
    return total


def activations(defense: Defense, shape: Shape, *, learns: bool) -> float:
    """Bytes of the activations of one micro-batch of `TOKENS` tokens a row, in bfloat16; logits in float32, twice.

    Without gradients one layer's; with them all layers' (34 bytes a unit of width and token, Korthikanti et al., arXiv
    2205.05198, attention computed in blocks), or with checkpointing their inputs alone and one layer's.
    """
    settings = defense.settings
    rows = settings.get("micro_batch_size") or settings.get("batch_size") or 8
    tokens = rows * TOKENS
    one = 34 * shape.width * tokens
    logits = 2 * 4 * shape.vocabulary * tokens
    if not learns:
        return one + logits / 2
    if settings.get("gradient_checkpointing"):
        return shape.layers * 2 * shape.width * tokens + one + logits
    return shape.layers * one + logits


def large(name: str) -> Defense:
    """A registered defense with the settings for large models that it has, and those without which none is fitted."""
    known = DEFENSES.get(name)(**READY.get(name, {})).settings
    chosen = {key: value for key, value in (LARGE | NEEDED.get(name, {})).items() if key in known}
    adapted: Defense = DEFENSES.get(name)(**chosen)
    return adapted


def table() -> list[str]:
    """The table in Markdown, one line a kernel or method."""
    lines = [
        f"Settings: defaults, {ROWS} rows of each kind of data of {TOKENS} tokens; "
        + ", ".join(f"`{key}: {value}`".lower() for key, value in LARGE.items())
        + " where the defense has them.",
        "",
        "| defense | numbers, 1B | memory, 1B | fit, 1B | numbers, 8B | memory, 8B | fit, 8B | passes a reply |",
        "|---|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        dry = random_model(SHAPES[0].dry(), Path(folder))
        for name in names():
            lines.append(_line(name, dry))
            print(lines[-1], file=sys.stderr, flush=True)
    return lines


def names() -> list[str]:
    """One preset of each kernel, and every named method."""
    others = {"null", "sham", *READY} | {name for name in DEFENSES if f"{name}_safety" in DEFENSES}
    return [name for name in DEFENSES if name not in others and not name.endswith(("_fairness", "_privacy"))]


def _line(name: str, dry: Target) -> str:
    defense = large(name)
    try:
        found, ratio = costed(defense, dry)
    except CrossRiskError as error:
        return f"| `{name.removesuffix('_safety')}` | not computed: {' '.join(str(error).split())} |{' |' * 6}"
    cells = [cell for one in found for cell in (_count(one.trained), f"{one.memory / GIB:.1f} GiB", _time(one.seconds))]
    return f"| `{name.removesuffix('_safety')}` | {' | '.join(cells)} | {ratio} |"


def costed(defense: Defense, target: Target) -> tuple[list[Cost], str]:
    """The cost of a fit on each shape, and how many times as many passes a reply takes with it."""
    data = workload()
    chats = [one.messages for one in data.forget]
    replies = target.tokenizer([one.reply for one in data.forget])["input_ids"]
    dry_tokens = (sum(map(len, target.encode_all(chats))) + sum(map(len, replies))) / len(chats)
    artifact, passes = _fitted(defense, target, data)
    depth = len(decoder_layers(target.model))
    found = [cost(defense, artifact, passes, shape, dry_tokens=dry_tokens, depth=depth) for shape in SHAPES]
    with counted(target) as bare:
        target.generate(chats[:4], GenerationConfig(32))
    with defense.deploy(target, artifact) as defended, counted(target) as with_it:
        defended.generate(chats[:4], GenerationConfig(32))
    return found, f"{with_it.forward / bare.forward:.2f}"


def _fitted(defense: Defense, target: Target, data: FitData) -> tuple[Artifact, Passes]:
    """The artifact and its passes; those of many steps are told from one and from two."""
    steps = defense.settings.get("steps")
    found = []
    for few in (1, 2) if steps else (None,):
        shorter = replace(defense, steps=few) if few else defense  # type: ignore[type-var]
        with counted(target) as passes:
            artifact = shorter.fit(target, data, seed=0, strength=1.0)
        found.append(passes)
    return artifact, found[0].at(steps, found[1]) if steps else found[0]


def _count(number: int) -> str:
    if not number:
        return "-"
    return f"{number / 1e6:.1f} M" if number < 1e9 else f"{number / 1e9:.2f} B"


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.1f} min"


CHECKED = {
    "unlearning_privacy": {"steps": 2, "batch_size": 8},
    "npo": {"steps": 2, "batch_size": 8, "finetuning": "lora"},
    "preference_safety": {"steps": 2, "batch_size": 8},
    "rmu": {"steps": 2, "batch_size": 8},
    "circuit_breakers": {"steps": 2, "batch_size": 8},
    "steering_safety": {},
}
WORDS_A_ROW = 60


def check() -> list[str]:
    """Fits of a random model of 125 million parameters: operations and memory, measured beside computed."""
    lines = [
        "| defense | operations, measured | computed | ratio | memory of the fit, measured | computed | ratio |",
        "|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        random_model(SMALL, Path(folder))
        for name in CHECKED:
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.defenses.costs", name, folder],
                capture_output=True,
                text=True,
                check=True,
            )
            lines.append(done.stdout.strip().splitlines()[-1])
    return lines


def measured(name: str, folder: str) -> str:
    """One line of `check`, in a process of its own, so that its peak of memory is its own."""
    from torch.utils.flop_counter import FlopCounterMode

    defense: Defense = DEFENSES.get(name)(**CHECKED[name])
    target = load_target(folder, device="cpu")
    data = workload(16, WORDS_A_ROW)
    chats, replies = [one.messages for one in data.forget], [one.reply for one in data.forget]
    target.score(chats[:1], replies[:1])  # what torch takes once and keeps
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    with FlopCounterMode(display=False) as flops, counted(target) as passes:
        artifact = defense.fit(target, data, seed=0, strength=1.0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    tokens = sum(map(len, target.encode_all(chats))) + sum(map(len, target.tokenizer(replies)["input_ids"]))
    operations = cost(defense, artifact, passes, SMALL, dry_tokens=TOKENS, depth=SMALL.layers).operations
    learns = passes.backward > 0
    numbers = trained_numbers(artifact, SMALL)
    # In float32 activations take twice the bytes; the artifact itself lies on the same side here.
    rows = defense.settings.get("batch_size") or 8
    there = rows * tokens / len(chats)
    kept = (held(artifact, learns=learns) + 4 * learns) * numbers
    memory = kept + 2 * activations(defense, SMALL, learns=learns) * there / (rows * TOKENS)
    total = flops.get_total_flops()
    return (
        f"| `{name}` | {total:.3g} | {operations:.3g} | {total / operations:.2f} | {(peak - before) / GIB:.2f} GiB | "
        f"{memory / GIB:.2f} GiB | {(peak - before) / memory:.2f} |"
    )


if __name__ == "__main__":
    print(measured(sys.argv[1], sys.argv[2]))
