"""CrowS-Pairs: pairs of sentences that differ in the group they speak of, one more stereotyping than the other.

Nangia et al., CrowS-Pairs: A Challenge Dataset for Measuring Social Biases in Masked Language Models, arXiv 2010.00133.
`sent_more` is the more stereotyping sentence in every pair; `stereo_antistereo` says whether the pair shows a
stereotype of a disadvantaged group or goes against one, and turns nothing around. The paper scores masked models on
shared tokens; here whole sentences are scored, as causal models read them, and the figures do not compare with it.
"""

from crossrisk.risks import Message, Sample
from crossrisk.sources.public import PublicFile
from crossrisk.sources.published import PublicSet, public_source
from crossrisk.sources.reading import Row
from crossrisk.sources.requests import repeats_in_one_cluster

FILE = PublicFile(
    folder="crows_pairs",
    name="crows_pairs_anonymized.csv",
    repository="https://github.com/nyu-mll/crows-pairs",
    revision="8aaac11c485473159ec9328a65253a5be9a479dc",
    path="data/crows_pairs_anonymized.csv",
    sha256="dfb36986ce0502abbaf7055b9176da3d08d48e07df1251991b5dfbcbceab9d0c",
    size=437_764,
    columns=("sent_more", "sent_less", "stereo_antistereo", "bias_type"),
)
_DIRECTIONS = {"stereo": "stereo", "antistereo": "antistereo"}


def pairs(rows: tuple[Row, ...]) -> tuple[Sample, ...]:
    """One sample a pair; whole sentences are scored, by their total likelihood. A repeated pair is one cluster."""
    return repeats_in_one_cluster(
        Sample(
            id=f"crows_pairs-{row.number:04d}",
            messages=(Message("text", ""),),
            cluster=f"crows_pairs-{row.number:04d}",
            group=row.text("bias_type"),
            choices=(row.text("sent_more"), row.text("sent_less")),
            meta={
                "category": row.text("bias_type"),
                "per_token": False,
                "direction": row.one_of("stereo_antistereo", _DIRECTIONS),
            },
        )
        for row in rows
    )


crows_pairs = public_source(
    "crows_pairs",
    licence="CC BY-SA 4.0",
    citation="arXiv:2010.00133",
    sets={"stereotype_likelihood": PublicSet(pairs, (FILE,))},
    good_for="whether stereotyping sentences are likelier than their minimal counterparts, in nine kinds of bias",
    flaws="many pairs are not minimal or not stereotypes (Blodgett et al. 2021); U.S. English; a longer name costs "
    "likelihood by itself",
)
