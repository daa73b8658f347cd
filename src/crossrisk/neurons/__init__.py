"""Which neurons raise one risk and lower another, whether that is so beyond chance, and whether it is the cause.

Statistics need neither the model nor an accelerator: `find_conflicts` takes arrays. Parts are loaded when asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crossrisk.neurons.cluster_means import ClusterMeans, Gathering
    from crossrisk.neurons.conflicts import Conflicts, find_conflicts
    from crossrisk.neurons.coupled import coupled_neurons
    from crossrisk.neurons.request import Options
    from crossrisk.neurons.simulated import Simulated, simulated_attributions
    from crossrisk.neurons.stage import Findings, analyse

_LAZY = {
    "ClusterMeans": "cluster_means",
    "Conflicts": "conflicts",
    "Findings": "stage",
    "Gathering": "cluster_means",
    "Options": "request",
    "Simulated": "simulated",
    "analyse": "stage",
    "coupled_neurons": "coupled",
    "find_conflicts": "conflicts",
    "simulated_attributions": "simulated",
}
__all__ = [
    "ClusterMeans",
    "Conflicts",
    "Findings",
    "Gathering",
    "Options",
    "Simulated",
    "analyse",
    "coupled_neurons",
    "find_conflicts",
    "simulated_attributions",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(f"crossrisk.neurons.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'crossrisk.neurons' has no attribute '{name}'")
