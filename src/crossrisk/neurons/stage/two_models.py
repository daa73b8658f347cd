"""The base, and a copy of it for defenses to stand on, so that both arms are there at once. Loaded when needed."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from crossrisk.engine.arms import Arm
from crossrisk.engine.execute import Execution
from crossrisk.errors import NotScorable, RequestError, one_line
from crossrisk.targets.neuron_passes import check_neurons, check_same_neurons

if TYPE_CHECKING:
    from crossrisk.targets.target import Target


class TwoModels:
    """The base of a study and the copy. One defense at a time stands on the copy, and is taken off bit for bit."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._copy: Target | None = None

    @property
    def base(self) -> "Target":
        """The base. Raises RequestError for one without neurons: an API, quantised weights, an unknown architecture."""
        target = self._execution.load_base()
        check_neurons(target)
        return target

    def copy(self) -> "Target":
        """The base once more, as another model."""
        if self._copy is None:
            from crossrisk.targets.loading import load_target

            base = self._execution.study.base
            self._copy = load_target(
                base.model, adapter=base.adapter, dtype=base.dtype, device=base.device, chat_template=base.chat_template
            )
        return self._copy

    @contextmanager
    def defended(self, arm: Arm) -> "Iterator[Deployed]":
        """The arm, deployed when its target is first asked for."""
        with ExitStack() as stack:
            yield Deployed(self, arm, stack)


class Deployed:
    """One arm, deployed on the copy once its target is asked for."""

    def __init__(self, models: TwoModels, arm: Arm, stack: ExitStack) -> None:
        self._models, self._arm, self._stack = models, arm, stack
        self._target: Target | None = None

    @property
    def target(self) -> "Target":
        """The defended model; its artifact comes from the cache, or is fitted anew where that is gone.

        Raises NotScorable where the defense acts behind the neurons, RequestError for another architecture and for an
        artifact that is damaged or cannot be fitted.
        """
        if self._target is None:
            if "score" not in self._arm.defense.covers:
                raise NotScorable(
                    f"'{self._arm.name}' acts behind the neurons (on finished replies, or on what may be said next): "
                    "none carries what it does"
                )
            copy = self._models.copy()
            try:
                artifact = self._arm.artifact(copy)
            except ValueError as error:
                raise RequestError(one_line(error)) from error
            target = self._stack.enter_context(self._arm.defense.deploy(copy, artifact))
            # Errors name a target, and a deployed one is called as its base.
            self._target = replace(target, name=self._arm.name, base=target.base_name)
            check_neurons(self._target)
            check_same_neurons(self._models.base, self._target)
        return self._target
