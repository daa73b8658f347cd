"""Moved to crossrisk.wording; this name goes at the end of the day."""

from crossrisk.wording import *  # noqa: F403
