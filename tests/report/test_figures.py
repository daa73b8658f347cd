"""The field's own figures beside each other: totals first, nothing invented for what does not exist."""

from crossrisk.report.figures import AT_MOST, Figure, figure_table


def test_figures_stand_side_by_side_and_totals_come_first() -> None:
    base = {"figures": {"by_area": {"food": {"rate": 0.5}}, "rate": 0.4}}
    defended = {"figures": {"by_area": {"food": {"rate": None}}, "rate": 0.1}}
    table = figure_table(base, defended)
    assert table.shown == (Figure("rate", 0.4, 0.1), Figure("by_area · food · rate", 0.5, None))
    assert table.left_out == 0


def test_figures_that_need_the_base_stand_in_the_defended_column_alone() -> None:
    table = figure_table({"figures": {}}, {"figures": {}, "against_base": {"reference": {"auroc": 0.7}}})
    assert table.shown == (Figure("reference · auroc", None, 0.7),)


def test_a_cell_without_figures_has_no_table() -> None:
    assert figure_table({}, {}).shown == ()


def test_what_is_left_out_is_counted() -> None:
    many = {"figures": {str(number): float(number) for number in range(AT_MOST + 3)}}
    assert (len(figure_table(many, many).shown), figure_table(many, many).left_out) == (AT_MOST, 3)
