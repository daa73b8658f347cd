"""A model from its files: Hub id with `@revision`, local folder, `organism`, with or without a PEFT adapter.

safetensors only; code that comes with a model is never run.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crossrisk.errors import RequestError
from crossrisk.targets.fingerprints import base_fingerprint, spec_fingerprint, weights_fingerprint
from crossrisk.targets.locations import Location, locate
from crossrisk.targets.target import ChatTemplate, Target

__all__ = ["load_target", "spec_fingerprint", "weights_fingerprint"]

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
    loaded = _model(location, dtype, device)
    tokenizer = _tokenizer(location)
    if location.adapter is not None:
        from crossrisk.targets.adapter import put_on, read_adapter

        put_on(loaded, read_adapter(location.adapter), name="base")
    loaded.eval()
    fingerprint = base_fingerprint(location, dtype=dtype, chat_template=chat_template)
    return Target(location.name, loaded, tokenizer, fingerprint, chat_template)


def _model(location: Location, dtype: str, device: str | None) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    place = device or ("cuda" if torch.cuda.is_available() else "cpu")
    with _said_as_request_error(f"the model '{location.name}' could not be loaded"), _without_progress_bars():
        model, loading = AutoModelForCausalLM.from_pretrained(
            location.folder,
            dtype=getattr(torch, dtype),
            device_map=place,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    for problem in ("missing_keys", "mismatched_keys"):
        if loading.get(problem):
            first = sorted(map(str, loading[problem]))[0]
            raise RequestError(
                f"the weights of '{location.name}' do not fit its config.json: {len(loading[problem])} "
                f"{problem.replace('_', ' ')}, the first is {first}"
            )
    return model


def _tokenizer(location: Location) -> Any:
    from transformers import AutoTokenizer

    with _said_as_request_error(f"the tokenizer of '{location.name}' could not be loaded"):
        return AutoTokenizer.from_pretrained(location.tokenizer_folder, local_files_only=True, trust_remote_code=False)


@contextmanager
def _said_as_request_error(what: str) -> Iterator[None]:
    """Whatever a library raises on damaged or foreign files becomes one line."""
    try:
        yield
    except RequestError:
        raise
    except Exception as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise RequestError(f"{what}: {reason}") from error


@contextmanager
def _without_progress_bars() -> Iterator[None]:
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
