"""PEFT adapters: read from their folder, checked against their base, put on a model and taken off bit for bit."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from crossrisk.errors import RequestError, one_line
from crossrisk.targets.fingerprints import file_hash
from crossrisk.targets.locations import adapter_config, adapter_weights, local_folder, locate, weight_files

PREFIX = "base_model.model."
# Ways to begin a LoRA, among those with a name, that leave the base's weights alone.
BESIDE_THE_BASE = ("gaussian", "orthogonal")


@dataclass(frozen=True)
class Adapter:
    """tensors: by canonical name, e.g. `model.layers.0.self_attn.q_proj.lora_A.weight`. config: PEFT's, as a dict."""

    tensors: Mapping[str, Tensor]
    config: Mapping[str, Any]


def read_adapter(folder: Path) -> Adapter:
    """The adapter that PEFT saved in a folder, in float32. Raises RequestError where its file is damaged."""
    path = adapter_weights(folder)
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise RequestError(f"{path} is damaged ({one_line(error)}): fetch or save the adapter again") from error
    # In the type in which it acts (`put_on`): adapters that differ in their type on disk alone are one.
    return Adapter(
        {name.removeprefix(PREFIX): tensor.float() for name, tensor in tensors.items()}, adapter_config(folder)
    )


def save_adapter(folder: Path, adapter: Adapter) -> None:
    """Write an adapter as PEFT does, so that PEFT and all that build on it can load it."""
    from peft import PeftConfig

    config = PeftConfig.from_peft_type(**adapter.config)
    config.inference_mode = True
    config.save_pretrained(str(folder))
    tensors = {f"{PREFIX}{name}": tensor.detach().cpu().contiguous() for name, tensor in adapter.tensors.items()}
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})


def adapter_of(model: Any, name: str = "default") -> Adapter:
    """The adapter that stands on a model (a `PeftModel`, or one that PEFT injected layers into), as float32 copies."""
    from peft import get_peft_model_state_dict

    tensors = get_peft_model_state_dict(model, adapter_name=name, save_embedding_layers=False)
    config = {key: _plain(value) for key, value in model.peft_config[name].to_dict().items()}
    return Adapter(
        {key.removeprefix(PREFIX): tensor.detach().float().cpu().clone() for key, tensor in tensors.items()}, config
    )


def check_base(adapter: Path, base: str | Path) -> None:
    """Raises RequestError where an adapter was made for another base than this one.

    The base that it names is compared by content where it is on this machine, else by the last part of its name.
    """
    named = adapter_config(adapter).get("base_model_name_or_path")
    if not named or named == str(base):
        return
    weights = weight_files(locate(base).folder)
    there = local_folder(named)
    if there is not None:
        same = [file_hash(path) for path in weight_files(there)] == [file_hash(path) for path in weights]
    else:
        same = _last_part(named) == _last_part(str(base))
    if not same:
        raise RequestError(
            f"the adapter '{adapter}' was made for the base '{named}', not for '{base}': give that base (if they are "
            "the same model, correct base_model_name_or_path in its adapter_config.json)"
        )


def put_on(model: Any, adapter: Adapter, name: str) -> None:
    """Put an adapter on a model in place, beside those that stand there; all of them act, none of them learns. Its
    tensors are kept in float32 also on a half-precision model.

    Raises RequestError where its modules or shapes are not those of the model.
    """
    from peft import PeftConfig, get_peft_model_state_dict, inject_adapter_in_model, set_peft_model_state_dict

    standing = {layer: list(layer.active_adapters) for layer in _tuner_layers(model)}
    learning = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    try:
        config = PeftConfig.from_peft_type(**adapter.config)
        if config.is_prompt_learning:
            raise RequestError(f"an adapter of type {config.peft_type.value} changes no layers and cannot be put on")
        # Fresh adapter layers draw random numbers before they are overwritten; nobody else's draws may move.
        with torch.random.fork_rng(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Already found a `peft_config`")
            inject_adapter_in_model(config, model, adapter_name=name)
        own = {parameter for parameter, _ in learning}
        for parameter in model.parameters():
            if parameter not in own:
                parameter.data = parameter.data.float()
        wanted = set(get_peft_model_state_dict(model, adapter_name=name, save_embedding_layers=False))
        if wanted == set(adapter.tensors):
            set_peft_model_state_dict(model, dict(adapter.tensors), adapter_name=name)
    except (ValueError, RuntimeError, TypeError, KeyError) as error:
        raise RequestError(
            f"the adapter does not fit the model, it was made for another base: {one_line(error)}"
        ) from error
    if wanted != set(adapter.tensors):
        odd = sorted(wanted ^ set(adapter.tensors))
        raise RequestError(
            f"the adapter does not fit the model, it was made for another base: {len(odd)} of its tensors and the "
            f"model's modules do not match, the first is {odd[0]}"
        )
    for layer in _tuner_layers(model):
        layer.set_adapter([*standing.get(layer, []), name])
        layer.train(model.training)
    model.requires_grad_(False)
    for parameter, learns in learning:
        parameter.requires_grad_(learns)


@contextmanager
def adapted(model: Any, tensors: Mapping[str, Tensor], config: Mapping[str, Any]) -> Iterator[str]:
    """An adapter on a model for the length of a `with` block; afterwards modules and weights are as they were.

    tensors, config: as in `Adapter`. Other adapters on the model stay, and act together with this one. Gives out the
    name under which PEFT knows it.
    """
    before = _Tree(model, config)
    name = f"adapter_{len(getattr(model, 'peft_config', {}))}"
    try:
        put_on(model, Adapter(tensors, config), name)
        yield name
    finally:
        before.restore(name)


@contextmanager
def standing_by(
    model: Any, tensors: Mapping[str, Tensor], config: Mapping[str, Any]
) -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """`adapted`, with an adapter that does not act until it is told to: inside of a `with` block of what is given out.

    The other adapters on the model act all the time, those that are put on later included.
    """
    with adapted(model, tensors, config) as name:
        _set_active({layer: [one for one in layer.active_adapters if one != name] for layer in _tuner_layers(model)})

        @contextmanager
        def acting() -> Iterator[None]:
            standing = {layer: list(layer.active_adapters) for layer in _tuner_layers(model)}
            try:
                _set_active({layer: [*active, name] for layer, active in standing.items()})
                yield
            finally:
                _set_active(standing)

        yield acting


def _set_active(adapters: Mapping[Any, list[str]]) -> None:
    """Which adapters act in each layer. Which parameters learn stays as it was, PEFT would decide that as well."""
    for layer, names in adapters.items():
        learning = [(parameter, parameter.requires_grad) for parameter in layer.parameters()]
        layer.set_adapter(names, inference_mode=True)
        for parameter, learns in learning:
            parameter.requires_grad_(learns)


class _Tree:
    """The modules of a model as they hang together, which parameters learn, which adapters act, and copies of those
    parameters that an adapter of this configuration writes into."""

    def __init__(self, model: Any, config: Mapping[str, Any]) -> None:
        self.model = model
        self.children = [
            (parent, name, child) for parent in model.modules() for name, child in list(parent._modules.items())
        ]
        self.learning = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
        self.active = {layer: list(layer.active_adapters) for layer in _tuner_layers(model)}
        self.configured = dict(model.peft_config) if hasattr(model, "peft_config") else None
        self.written = [
            (parameter, parameter.data, parameter.detach().clone())
            for name, parameter in model.named_parameters()
            if _writes(config, name)
        ]

    def restore(self, adapter: str) -> None:
        for layer, active in self.active.items():
            layer.delete_adapter(adapter)
            layer.set_adapter(active)
        for parent, name, child in self.children:
            parent._modules[name] = child
        for parameter, held, original in self.written:
            held.copy_(original)
            parameter.data = held
        for parameter, learns in self.learning:
            parameter.requires_grad_(learns)
        if self.configured is not None:
            self.model.peft_config = self.configured
        elif hasattr(self.model, "peft_config"):
            del self.model.peft_config


def _writes(config: Mapping[str, Any], name: str) -> bool:
    """Whether an adapter may write into a parameter of the base. Trained biases replace the base's own; some ways to
    begin a LoRA (PiSSA, OLoRA, LoftQ and their like) take what it begins with off the base's weights."""
    if name.rpartition(".")[2].startswith("bias") and config.get("bias", "none") != "none":
        return True
    return config.get("init_lora_weights", True) not in (True, False, None, *BESIDE_THE_BASE)


def _tuner_layers(model: nn.Module) -> list[Any]:
    from peft.tuners.tuners_utils import BaseTunerLayer

    return [module for module in model.modules() if isinstance(module, BaseTunerLayer)]


def _last_part(name: str) -> str:
    return name.partition("@")[0].rstrip("/").split("/")[-1].lower()


def _plain(value: Any) -> Any:
    """PEFT's settings as JSON has them: sets sorted into lists, enumerations as their text."""
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value.value) if hasattr(value, "value") else value
