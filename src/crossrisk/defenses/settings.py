"""From the settings that a user writes to a defense: names and values are checked, and errors speak of both.

A registered name resolves to a callable that takes settings by keyword, `DEFENSES.get("dpo")(beta=0.2)`.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from crossrisk.errors import RequestError, unknown

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]

D = TypeVar("D")


class Configured:
    """A frozen dataclass whose fields are its settings.

    A kernel has a field `risk` without a default, and is registered once for each risk; a named method is a subclass of
    its kernel with defaults, and a card, of its own.
    """

    registered: ClassVar[str]

    @property
    def name(self) -> str:
        """As registered, with the risk where that is not settled by the name."""
        risk = next((field for field in fields(self) if field.name == "risk"), None)  # type: ignore[arg-type]
        if risk is None or (risk.default is not MISSING and risk.default == getattr(self, "risk", None)):
            return self.registered
        return f"{self.registered}_{getattr(self, 'risk', None)}"

    @property
    def settings(self) -> Mapping[str, Any]:
        """All settings by name, as plain values; they go into the key of the artifact and of its cells."""
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]


def from_settings(name: str, kind: type[D], **fixed: Any) -> Callable[..., D]:
    """A callable that builds `kind` from keyword settings. fixed: settings that the name decides, and no user.

    It raises RequestError for a setting that `kind` does not have (near names suggested), one that is missing, or a
    value that its type does not allow.
    """
    known = [field.name for field in fields(kind) if field.name not in fixed]  # type: ignore[arg-type]

    def build(**settings: Any) -> D:
        for setting in settings:
            if setting not in known:
                if not known:
                    raise RequestError(f"defense '{name}' has no settings: leave out '{setting}'")
                raise unknown(f"setting of defense '{name}'", setting, known)
        try:
            return TypeAdapter(kind).validate_python({**settings, **fixed})
        except ValidationError as error:
            problem = error.errors()[0]
            place = ".".join(str(part) for part in problem["loc"])
            reason = f"{problem['msg']}" + ("" if problem["type"] == "missing" else f", got {problem['input']!r}")
            raise RequestError(f"setting '{place}' of defense '{name}': {reason}") from None

    return build
