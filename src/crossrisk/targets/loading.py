"""A model from its files: Hub id with `@revision`, local folder, `organism`, with or without a PEFT adapter.

safetensors only; code that comes with a model is never run.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crossrisk.errors import RequestError, one_line
from crossrisk.targets.fingerprints import base_fingerprint, spec_fingerprint, weights_fingerprint
from crossrisk.targets.locations import Location, locate
from crossrisk.targets.target import ChatTemplate, Target

__all__ = ["load_target", "spec_fingerprint", "weights_fingerprint"]

logger = logging.getLogger(__name__)

DTYPES = ("float32", "bfloat16", "float16")


def load_target(
    model: str | Path,
    *,
    adapter: str | Path | None = None,
    dtype: str = "float32",
    device: str | None = None,
    chat_template: ChatTemplate = "auto",
) -> Target:
    """Load a model and its tokenizer as a bare target.

    model: Hub id with optional `@revision`, local folder, `organism`, or the folder of an adapter that names its base.
    device: a torch device, `auto` to spread the model over all devices there are, None for the first GPU, else the CPU.
    chat_template: `none` asks in plain text even where there is a template. Raises RequestError for anything that is
    no whole, matching, loadable model; its weights are never completed at random.
    """
    if dtype not in DTYPES:
        raise RequestError(f"unknown dtype '{dtype}': use {', '.join(DTYPES)}")
    location = locate(model, adapter)
    if location.adapter is not None:
        from crossrisk.targets.adapter import check_base

        check_base(location.adapter, location.base)
    from transformers import AutoModelForCausalLM

    loaded = load_model(AutoModelForCausalLM, location, dtype, device)
    tokenizer = load_tokenizer(location)
    if location.adapter is not None:
        from crossrisk.targets.adapter import put_on, read_adapter

        put_on(loaded, read_adapter(location.adapter), name="base")
    loaded.eval()
    fingerprint = base_fingerprint(location, dtype=dtype, chat_template=chat_template)
    return Target(location.name, loaded, tokenizer, fingerprint, chat_template, base=location.base)


def load_model(kind: Any, location: Location, dtype: str, device: str | None) -> Any:
    """The model of located files, as one of transformers' `Auto` classes. device: as in `load_target`.

    Raises RequestError for weights that cannot be loaded, or do not fit the configuration.
    """
    import torch

    place = device or ("cuda" if torch.cuda.is_available() else "cpu")
    with _said_as_request_error(f"the model '{location.name}' could not be loaded"), transformers_silent():
        model, loading = kind.from_pretrained(
            location.folder,
            dtype=getattr(torch, dtype),
            device_map=place,
            use_safetensors=True,
            # Reported below, instead of raised with a report on the console.
            ignore_mismatched_sizes=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    missing = sorted(loading["missing_keys"]) + sorted(str(name) for name, *_ in loading["mismatched_keys"])
    if missing:
        raise RequestError(
            f"the weights of '{location.name}' do not fit its config.json: {len(missing)} parameters are missing or of "
            f"another shape, the first is {missing[0]}"
        )
    if loading["unexpected_keys"]:
        first = sorted(loading["unexpected_keys"])[0]
        logger.warning(
            "'%s' has %d weights that its architecture does not use, the first is %s",
            location.name, len(loading["unexpected_keys"]), first,
        )  # fmt: skip
    return model


def load_tokenizer(location: Location) -> Any:
    """The tokenizer of located files. Raises RequestError for one that cannot be loaded."""
    from transformers import AutoTokenizer

    with _said_as_request_error(f"the tokenizer of '{location.name}' could not be loaded"):
        return AutoTokenizer.from_pretrained(location.tokenizer_folder, local_files_only=True, trust_remote_code=False)


@contextmanager
def _said_as_request_error(what: str) -> Iterator[None]:
    """Whatever a library raises on damaged or foreign files becomes one line."""
    try:
        yield
    except Exception as error:
        raise RequestError(f"{what}: {one_line(error)}") from error


@contextmanager
def transformers_silent() -> Iterator[None]:
    """No progress bars and reports: what is wrong with a model, we say ourselves."""
    from transformers.utils import logging as reports

    bars, verbosity = reports.is_progress_bar_enabled(), reports.get_verbosity()
    reports.disable_progress_bar()
    reports.set_verbosity_error()
    try:
        yield
    finally:
        reports.set_verbosity(verbosity)
        if bars:
            reports.enable_progress_bar()
