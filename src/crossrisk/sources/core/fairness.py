"""Our own prompts on fairness, by task."""

from crossrisk.sources.core.bbq import bbq
from crossrisk.sources.core.decision import decision
from crossrisk.sources.core.matched_guise import matched_guise
from crossrisk.sources.core.stereotypes import (
    stereotype_agreement,
    stereotype_likelihood,
    stereotype_query,
    stereotype_recognition,
)
from crossrisk.sources.source import Loader

LOADERS: dict[str, Loader] = {
    "stereotype_query": stereotype_query,
    "stereotype_agreement": stereotype_agreement,
    "stereotype_recognition": stereotype_recognition,
    "bbq": bbq,
    "stereotype_likelihood": stereotype_likelihood,
    "decision": decision,
    "matched_guise": matched_guise,
}
