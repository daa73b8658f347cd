"""Self-reminder: the request stands between two reminders that the assistant should be a responsible one.

Xie et al. (2023), Defending ChatGPT against jailbreak attack via self-reminders, Nature Machine Intelligence 5:1486.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from crossrisk.defenses import reminder
from crossrisk.defenses.card import Deviation
from crossrisk.defenses.settings import from_settings
from crossrisk.risks import Risk


@dataclass(frozen=True)
class SelfReminder(reminder.Reminder):
    """The reminder of the paper; `risk` takes the words of another risk, in the same form."""

    registered: ClassVar[str] = "self_reminder"

    risk: Risk = Risk.SAFETY

    card = replace(
        reminder.CARD,
        title="Self-reminder",
        paper=(
            "Xie et al. (2023), Defending ChatGPT against jailbreak attack via self-reminders, Nature Machine "
            "Intelligence 5:1486, Table 1."
        ),
        deviation=Deviation.VARIANT,
        differs='"ChatGPT" is read as "assistant"; `place: system` puts the words where others have them.',
    )


self_reminder = from_settings("self_reminder", SelfReminder)
