"""Where the parts of a model are: its decoder layers, what they give back, and the neurons of their MLPs.

All knowledge of architectures is here. Nothing is copied: what these functions return are the model's own modules.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from crossrisk.errors import RequestError

# The projection back into the residual stream: Llama, Qwen, Mistral and Gemma; GPT-2; GPT-NeoX; OPT.
DOWN_PROJECTIONS = ("mlp.down_proj", "mlp.c_proj", "mlp.dense_4h_to_h", "fc2")

ForwardHook = Callable[[nn.Module, tuple[Any, ...], Any], Any]
ForwardPreHook = Callable[[nn.Module, tuple[Any, ...]], Any]


def decoder_layers(model: Any) -> nn.ModuleList:
    """The transformer blocks, first to last: the outermost list of as many modules as the config has layers."""
    depth = model.config.get_text_config().num_hidden_layers
    for module in model.modules():
        if isinstance(module, nn.ModuleList) and len(module) == depth:
            return module
    raise RequestError(f"a {type(model).__name__} has no list of {depth} decoder layers, so no layer can be named")


def layers_between(depth: int, first: float, last: float) -> range:
    """Indices of the layers between two fractions of the depth, both ends included and at least one.

    Papers count the layers of their models: 10 to 19 of 32 are 0.31 to 0.6, and 1 to 2 of a model of four.
    """
    low, high = (min(int(fraction * depth + 0.5), depth - 1) for fraction in (first, last))
    return range(low, high + 1)


def layer_output(output: Any) -> Tensor:
    """The hidden states [rows, tokens, width] in what a decoder layer returned.

    transformers 5 layers return the tensor, older ones a tuple that begins with it. Taking `output[0]` blindly would
    pick the first row of the batch.
    """
    hidden: Tensor = output[0] if isinstance(output, tuple) else output
    return hidden


def with_layer_output(output: Any, hidden: Tensor) -> Any:
    """What the layer returned, in the same form, with other hidden states: the return value of a forward hook."""
    return (hidden, *output[1:]) if isinstance(output, tuple) else hidden


def down_projection(layer: nn.Module) -> nn.Module:
    """The module whose input are the neurons of a layer's MLP.

    Its weight is [width, neurons], except in GPT-2, where it is [neurons, width].
    """
    for path in DOWN_PROJECTIONS:
        try:
            return layer.get_submodule(path)
        except AttributeError:
            continue
    raise RequestError(f"the neurons of a {type(layer).__name__} are not known: it has none of {DOWN_PROJECTIONS}")


def neuron_axis(down: nn.Module) -> int:
    """Which axis of a down projection's weight counts the neurons: 1, but 0 in GPT-2."""
    from transformers.pytorch_utils import Conv1D

    return 0 if isinstance(down, Conv1D) else 1


@contextmanager
def hooked(
    after: Iterable[tuple[nn.Module, ForwardHook]] = (), *, before: Iterable[tuple[nn.Module, ForwardPreHook]] = ()
) -> Iterator[None]:
    """Forward hooks on modules for the length of a `with` block, gone afterwards whatever happens.

    after: `hook(module, args, output)`, run on a module's output. before: `hook(module, args)`, run on its input. What
    a hook returns, if not None, takes the place of the output, or of the arguments.
    """
    handles = []
    try:
        for module, hook in after:
            handles.append(module.register_forward_hook(hook))
        for module, pre_hook in before:
            handles.append(module.register_forward_pre_hook(pre_hook))
        yield
    finally:
        for handle in reversed(handles):
            handle.remove()
