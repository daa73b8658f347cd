"""Errors that speak to the user: one line that says what is wrong, where, and how to mend it.

The command line prints the message alone and leaves with `exit_code`; a program catches `CrossRiskError`.
"""

import difflib
import errno
from collections.abc import Iterable

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # an OSError that ends a study, whoever meets it


class CrossRiskError(Exception):
    """Anything that the user can mend. The message is one line."""

    exit_code = 2


class RequestError(CrossRiskError):
    """The request is wrong: an unknown name, a malformed file, a model that cannot do what is asked."""


class SampleError(RequestError):
    """One sample cannot be asked of this model. index: its place in the request; who knows its name, names it."""

    def __init__(self, index: int, problem: str) -> None:
        super().__init__(index, problem)
        self.index = index
        self.problem = problem

    def __str__(self) -> str:
        return f"sample {self.index}: {self.problem}"

    def named(self, name: str) -> RequestError:
        """The same error with the sample's own name in place of its number."""
        return RequestError(f"sample '{name}': {self.problem}")


class NotScorable(CrossRiskError):
    """The target has no token distribution (an output filter stands before it)."""

    exit_code = 3


class StudyStopped(CrossRiskError):
    """A study ended early (Ctrl-C, full disk, failed cells); everything computed before is saved."""

    exit_code = 3


def unknown(kind: str, name: str, known: Iterable[str]) -> RequestError:
    """The error for a name that is not known, with its nearest neighbours."""
    return RequestError(f"unknown {kind} '{name}': {near_names(name, known)}")


def near_names(name: str, known: Iterable[str]) -> str:
    """A question after the names that are nearest to one, or all that there are."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"known are: {', '.join(names)}"


def one_line(error: BaseException, *, limit: int = 240) -> str:
    """What another library's exception says, on one line and not longer than fits an error of ours."""
    said = " ".join(str(error).split()) or type(error).__name__
    return said if len(said) <= limit else f"{said[: limit - 3]}..."
