"""Which neurons raise one risk and lower another, whether that is so beyond chance, and whether it is the cause.

Statistics need neither the model nor an accelerator: `find_conflicts` takes arrays. Parts are loaded when asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crossrisk.neurons.conflicts.cluster_means import ClusterMeans, Gathering
    from crossrisk.neurons.conflicts.coupled import coupled_neurons
    from crossrisk.neurons.conflicts.find import Conflicts, find_conflicts
    from crossrisk.neurons.conflicts.simulated import Simulated, simulated_attributions
    from crossrisk.neurons.stage.analysis import Findings, analyse
    from crossrisk.neurons.stage.request import Options

_LAZY = {
    "ClusterMeans": "conflicts.cluster_means",
    "Conflicts": "conflicts.find",
    "Findings": "stage.analysis",
    "Gathering": "conflicts.cluster_means",
    "Options": "stage.request",
    "Simulated": "conflicts.simulated",
    "analyse": "stage.analysis",
    "coupled_neurons": "conflicts.coupled",
    "find_conflicts": "conflicts.find",
    "simulated_attributions": "conflicts.simulated",
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
