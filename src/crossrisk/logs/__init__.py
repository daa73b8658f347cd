"""Logs that were written elsewhere, or by CrossRisk itself, each read into one shape."""

from crossrisk.logs.orientation import Scale
from crossrisk.logs.reading import read, read_logs
from crossrisk.logs.scores import Columns, Log, Scores

__all__ = ["Columns", "Log", "Scale", "Scores", "read", "read_logs"]
