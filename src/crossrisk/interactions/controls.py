"""Which arms are controls: there for the noise floor, and claimed to do nothing. Studies reserve their names."""

from crossrisk.risks import Mechanism


def is_null(defense: str, mechanism: str) -> bool:
    """The A/A comparison, base against itself: the arm `null`, or any without a mechanism."""
    return defense == "null" or mechanism == Mechanism.NONE


def is_control(defense: str, mechanism: str) -> bool:
    """`null`, or a sham: an arm called `sham`, `sham_...` or `sham-...`."""
    return is_null(defense, mechanism) or defense == "sham" or defense.startswith(("sham_", "sham-"))
