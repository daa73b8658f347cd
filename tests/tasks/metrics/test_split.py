from crossrisk.tasks.metrics.labels import conditional_rate, invalid_by_label
from crossrisk.tasks.metrics.split import split_by
from tests.tasks.table import table

LEAKS = table(
    {"context": "50", "label": "disclosed"},
    {"context": "200", "label": "other_datum"},
    {"context": "50", "label": "withheld"},
    {"context": "none", "label": "empty", "risk": None},
    {"context": "", "label": "empty", "risk": None},
)


def test_parts_come_in_the_order_of_their_numbers() -> None:
    parts = split_by(LEAKS, LEAKS.facet("context"), lambda rows: {"n": len(rows)})
    assert list(parts) == ["50", "200", "none"]
    assert parts["50"] == {"n": 2}


def test_conditional_rates_are_over_the_named_labels_alone() -> None:
    assert conditional_rate(LEAKS, "disclosed", of=("disclosed", "other_datum")) == 0.5
    assert conditional_rate(LEAKS, "disclosed", of=("refused",)) is None


def test_what_is_invalid_is_counted_by_reason() -> None:
    assert invalid_by_label(LEAKS) == {"empty": 2}
    assert invalid_by_label(LEAKS.where(LEAKS.valid)) == {}
