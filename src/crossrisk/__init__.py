"""CrossRisk: what a defense of a language model against one risk does to the others.

Importing the package is cheap; torch and transformers are loaded when a model is.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from crossrisk.interactions import Effect, compare
    from crossrisk.study import Study

_LAZY = {"Study": "crossrisk.study", "compare": "crossrisk.interactions", "Effect": "crossrisk.interactions"}
__all__ = ["Effect", "Study", "__version__", "compare"]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'crossrisk' has no attribute '{name}'")
