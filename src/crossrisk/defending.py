"""`crossrisk defend`: a defense made into files that other tools load, with a card that says what they are.

What adds an adapter to a base without one becomes a PEFT adapter; any other change of the weights a whole checkpoint in
the base's type. What changes no weights (prompts, decoding, activations, filters) has no such file: a study deploys it.
"""

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml

from crossrisk import __version__
from crossrisk.defenses.card import Card
from crossrisk.defenses.provenance import RECORD
from crossrisk.engine import health
from crossrisk.engine.advice import for_large_models
from crossrisk.engine.arms import Arm, arms, fitted_on
from crossrisk.engine.execute import INERT, base_fingerprint, device_type
from crossrisk.engine.guard import Guard
from crossrisk.engine.plan import questions
from crossrisk.errors import RequestError
from crossrisk.study import ModelSpec, Study

if TYPE_CHECKING:
    from crossrisk.defenses.defense import Artifact
    from crossrisk.targets.target import Target

CARD = "README.md"
Form = Literal["adapter", "checkpoint"]


@dataclass(frozen=True)
class Made:
    """What was written. form: `adapter` (PEFT) or `checkpoint`. warning: how the defense broke the model, if it did."""

    folder: Path
    form: Form
    defense: str
    warning: str | None


def defend(
    base: ModelSpec,
    defense: Any,
    out: Path,
    *,
    seed: int = 0,
    doing: Callable[[str], None] = lambda text: None,
    advise: Callable[[str], None] = lambda text: None,
) -> Made:
    """Fit a defense on a base and write it to a new folder, all of it or nothing.

    defense: as in a study, a name or a mapping of name, settings, strength and data. doing: told what is going on.
    advise: told what the card says of large models, where no settings are given.

    Raises RequestError for a folder that is in use, a defense that no file can hold, and one that changed nothing.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RequestError(f"{out} is there already: name a new folder with --out")
    _check_place(out)
    asked = Study(name="defend", base=base, defenses=(defense,), tasks=("fluency",), controls=False, limit=8, seed=seed)
    device = device_type(base.device)
    (arm,) = arms(asked, base_fingerprint(base, device), {})
    if "weights" not in arm.defense.covers:
        raise RequestError(
            f"not all that defense '{arm.defense.name}' does is in weights ({arm.defense.mechanism}), so no model file "
            "can hold it: name it in a study, which deploys it"
        )
    for advice in for_large_models(asked):
        advise(advice)
    from crossrisk.targets.loading import load_target

    doing(f"loading {base.model}")
    target = load_target(
        base.model, adapter=base.adapter, dtype=base.dtype, device=base.device, chat_template=base.chat_template
    )
    doing(f"fitting {arm.defense.name}")
    artifact = arm.artifact(target)
    before = Guard(target, questions(asked)), health.measure(target, health.probes(base.model))
    # On a base with an adapter of its own another adapter would say nothing of the first: the two are merged.
    form: Form = "adapter" if artifact.kind == "adapter" and base.adapter is None else "checkpoint"
    with arm.defense.deploy(target, artifact) as defended:
        if not before[0].changed(defended):
            raise RequestError(INERT)
        doing("checking that it still speaks")
        after = health.measure(defended, health.probes(base.model))
        broken = health.breakdown(before[1], after)
        record = _record(arm, base, artifact, form, before[1], after, broken)
        with _whole_folder(out) as folder:
            if form == "adapter":
                _write_adapter(folder, base, artifact)
            else:
                _write_checkpoint(folder, defended)
            (folder / RECORD).write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            (folder / CARD).write_text(model_card(arm.defense.card, record), encoding="utf-8")
    return Made(out, form, arm.defense.name, broken)


def _write_adapter(folder: Path, base: ModelSpec, artifact: "Artifact") -> None:
    from crossrisk.targets.adapter import Adapter, save_adapter
    from crossrisk.targets.locations import locate

    name, _, revision = base.model.partition("@")
    location = locate(base.model)
    named = name if not Path(base.model).exists() and "/" in name else str(location.folder.resolve())
    config = artifact.meta["adapter"] | {"base_model_name_or_path": named, "revision": revision or None}
    save_adapter(folder, Adapter(artifact.tensors, config))


def _write_checkpoint(folder: Path, defended: "Target") -> None:
    """Weights as they now stand, adapters merged, in Hub format with tokenizer and template."""
    from crossrisk.defenses.fine_tuning import twin
    from crossrisk.targets.loading import transformers_silent

    with transformers_silent():
        twin(defended.model).to(defended.dtype).save_pretrained(folder)  # a twin of float16 is wider, to be trained
    defended.tokenizer.save_pretrained(folder)


def _check_place(out: Path) -> None:
    """Raise RequestError where no folder can be made, before hours of training are lost to it."""
    above = next(folder for folder in out.absolute().parents if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise RequestError(f"{out} cannot be made, {above} is no folder to write in: name another one with --out")


@contextmanager
def _whole_folder(out: Path) -> Iterator[Path]:
    """A folder beside `out` that takes its place when the block is done; after an error nothing is left."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=out.parent) as unfinished:
        folder = Path(unfinished, "made")
        folder.mkdir()
        yield folder
        if out.is_dir():
            out.rmdir()
        folder.rename(out)


def _record(
    arm: Arm,
    base: ModelSpec,
    artifact: "Artifact",
    form: Form,
    before: health.Health,
    after: health.Health,
    broken: str | None,
) -> dict[str, Any]:
    """What made the files, as `crossrisk.json` tells it."""
    defense, data = arm.defense, arm.data
    return {
        "crossrisk": __version__,
        "form": form,
        "defense": defense.name,
        "version": defense.version,
        "mechanism": defense.mechanism,
        "risk": defense.risk,
        "threat": defense.threat,
        "settings": dict(defense.settings),
        "strength": arm.strength,
        "seed": arm.seed,
        "base": {
            "model": base.model,
            "adapter": base.adapter,
            "dtype": base.dtype,
            "fingerprint": arm.base_fingerprint,
        },
        "fitted_on": {
            "source": data.source,
            "checksum": data.checksum,
            "parts": [asdict(part) for part in fitted_on(defense, data)],
            "rows": {name: len(getattr(data, name)) for name in defense.needs.data},
        },
        "artifact": artifact.sha256,
        "fit": {key: value for key, value in artifact.meta.items() if isinstance(value, int | float | str)},
        "health": {"base": asdict(before), "defended": asdict(after), "broken": broken},
    }


def model_card(card: Card, record: Mapping[str, Any]) -> str:
    """`README.md` of a made model, with the front matter that the Hub reads."""
    base, fitted, health_of = record["base"], record["fitted_on"], record["health"]
    library = "peft" if record["form"] == "adapter" else "transformers"
    tags = ["crossrisk", record["defense"], record["mechanism"], record["risk"], record["threat"]]
    head = {
        "base_model": base["model"].partition("@")[0],
        "library_name": library,
        "tags": [str(tag) for tag in tags if tag],
    }
    rows = ", ".join(f"{count} {name}" for name, count in fitted["rows"].items()) or "none"
    settings = "\n".join(f"| `{name}` | {_in_cell(value)} |" for name, value in record["settings"].items())
    warning = f"> **This defense broke the model**: {health_of['broken']}.\n\n" if health_of["broken"] else ""
    told = [
        f"# {card.title} on {base['model']}",
        warning
        + (f"A defense against **{record['risk']}** risks" if record["risk"] else "A change for no risk of its own")
        + (f" (threat: {record['threat']})" if record["threat"] else "")
        + f", made by CrossRisk {record['crossrisk']}. {card.paper}",
        f"```text\n{card.formula}\n```",
        f"**Verdict: {card.deviation}.** {card.differs}".rstrip(),
        "## How it was made",
        f"Defense `{record['defense']}` (version {record['version']}), strength {record['strength']}, seed "
        f"{record['seed']}, fitted on `{fitted['source']}` ({rows}; checksum `{fitted['checksum'][:16]}`). Do not "
        "measure it on what it was fitted on.",
        f"| setting | value |\n|---|---|\n{settings}",
        "## What is known of it",
        _health_table(health_of),
        "What it does to its own risk and to all others is for a study to say; nothing here says that it works.",
        "## Use",
        _use(record["form"]),
    ]
    front = yaml.safe_dump(head, sort_keys=False, allow_unicode=True)
    return f"---\n{front}---\n\n" + "\n\n".join(told) + "\n"


def _in_cell(value: Any) -> str:
    """A value in a Markdown table, whose cells end at a bar and whose rows end with the line."""
    return str(value).replace("|", "\\|").replace("\n", " ")


def _health_table(found: Mapping[str, Any]) -> str:
    """Degenerate replies and perplexity of both models."""
    lines = ["| on harmless prompts | degenerate replies | perplexity of plain text |", "|---|---|---|"]
    for name in ("base", "defended"):
        degenerate, perplexity = found[name]["degenerate"], found[name]["perplexity"]
        lines.append(f"| {name} | {100 * degenerate:.0f}% | {'–' if perplexity is None else f'{perplexity:.3g}'} |")
    return "\n".join(lines)


def _use(form: Form) -> str:
    kind = "adapter" if form == "adapter" else "checkpoint"
    load = (
        'model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained("BASE"), "THIS_FOLDER")'
        if form == "adapter"
        else 'model = AutoModelForCausalLM.from_pretrained("THIS_FOLDER")'
    )
    source = "from peft import PeftModel\n" if form == "adapter" else ""
    return (
        f"```text\n{source}from transformers import AutoModelForCausalLM\n{load}\n```\n\n"
        f"In a study: `defenses: [{{{kind}: THIS_FOLDER}}]`. Risk, threat and what it was fitted on are read from "
        f"`{RECORD}`."
    )
