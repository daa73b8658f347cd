"""The grid: eight kernels times three risks. The presets of a kernel differ in their data alone.

In the literature the risk that a defense aims at and the kind of change that it makes go together (privacy is
unlearned, safety is trained in). Here the same kernel runs with three sets of data, so that the two can be told apart.
"""

from crossrisk.defenses.decoding import Decoding
from crossrisk.defenses.neurons import Suppression
from crossrisk.defenses.preference import Preferring
from crossrisk.defenses.reminder import Reminder
from crossrisk.defenses.representation import Representation
from crossrisk.defenses.settings import from_settings
from crossrisk.defenses.steering import Steering
from crossrisk.defenses.task_vector import Negation
from crossrisk.defenses.unlearning import Unlearning
from crossrisk.risks import Risk

reminder_safety = from_settings("reminder_safety", Reminder, risk=Risk.SAFETY)
reminder_fairness = from_settings("reminder_fairness", Reminder, risk=Risk.FAIRNESS)
reminder_privacy = from_settings("reminder_privacy", Reminder, risk=Risk.PRIVACY)

decoding_safety = from_settings("decoding_safety", Decoding, risk=Risk.SAFETY)
decoding_fairness = from_settings("decoding_fairness", Decoding, risk=Risk.FAIRNESS)
decoding_privacy = from_settings("decoding_privacy", Decoding, risk=Risk.PRIVACY)

steering_safety = from_settings("steering_safety", Steering, risk=Risk.SAFETY)
steering_fairness = from_settings("steering_fairness", Steering, risk=Risk.FAIRNESS)
steering_privacy = from_settings("steering_privacy", Steering, risk=Risk.PRIVACY)

neurons_safety = from_settings("neurons_safety", Suppression, risk=Risk.SAFETY)
neurons_fairness = from_settings("neurons_fairness", Suppression, risk=Risk.FAIRNESS)
neurons_privacy = from_settings("neurons_privacy", Suppression, risk=Risk.PRIVACY)

preference_safety = from_settings("preference_safety", Preferring, risk=Risk.SAFETY)
preference_fairness = from_settings("preference_fairness", Preferring, risk=Risk.FAIRNESS)
preference_privacy = from_settings("preference_privacy", Preferring, risk=Risk.PRIVACY)

unlearning_safety = from_settings("unlearning_safety", Unlearning, risk=Risk.SAFETY)
unlearning_fairness = from_settings("unlearning_fairness", Unlearning, risk=Risk.FAIRNESS)
unlearning_privacy = from_settings("unlearning_privacy", Unlearning, risk=Risk.PRIVACY)

representation_safety = from_settings("representation_safety", Representation, risk=Risk.SAFETY)
representation_fairness = from_settings("representation_fairness", Representation, risk=Risk.FAIRNESS)
representation_privacy = from_settings("representation_privacy", Representation, risk=Risk.PRIVACY)

task_vector_safety = from_settings("task_vector_safety", Negation, risk=Risk.SAFETY)
task_vector_fairness = from_settings("task_vector_fairness", Negation, risk=Risk.FAIRNESS)
task_vector_privacy = from_settings("task_vector_privacy", Negation, risk=Risk.PRIVACY)
