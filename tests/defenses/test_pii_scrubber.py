"""PII scrubber: where it stands, what it covers."""

import pytest

from crossrisk.defenses.sham import Sham
from crossrisk.errors import RequestError
from crossrisk.registry import DEFENSES
from crossrisk.risks import Message
from crossrisk.targets.target import Asked, GenerationConfig
from tests.defenses.cases import DATA, ask

DATUM = "ann.lee@orchard.example"
CHAT = (Message("system", f"The office is {DATUM}."), *ask(f"Who is {DATUM}?"))


def deployed(where, target):
    one = DEFENSES.get("pii_scrubber")(where=where)
    return one.deploy(target, one.fit(target, DATA, seed=0, strength=1.0))


@pytest.mark.parametrize(("where", "asked", "given"), [("input", 0, 1), ("output", 2, 0), ("both", 0, 0)])
def test_it_scrubs_what_is_asked_what_is_given_out_or_both(where, asked, given, target):
    with deployed(where, target) as defended:
        assert defended.render(CHAT).count(DATUM) == asked
        texts = [f"It is {DATUM}."]
        for output_filter in defended.output_filters:
            texts = output_filter(Asked(target, [CHAT], GenerationConfig(1), [0]), texts)
        assert texts[0].count(DATUM) == given


def test_only_a_scrubbed_prompt_leaves_likelihoods():
    covers = {where: DEFENSES.get("pii_scrubber")(where=where).covers for where in ("input", "output", "both")}
    assert covers == {"input": {"generate", "score"}, "output": {"generate"}, "both": {"generate"}}


def test_it_has_no_sham(target):
    with pytest.raises(RequestError, match="no sham"):
        Sham(DEFENSES.get("pii_scrubber")()).fit(target, DATA, seed=0, strength=1.0)


def test_an_engine_that_is_none_is_refused():
    with pytest.raises(RequestError, match="'engine' of defense 'pii_scrubber'"):
        DEFENSES.get("pii_scrubber")(engine="spacy")
