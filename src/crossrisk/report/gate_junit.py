"""The gate's decision as JUnit XML, which Jenkins, GitLab and most others show as test results.

Elements and attributes are those of Jenkins' own schema (xunit-plugin, junit-10.xsd): a suite for each defense and one
for the study, a case for each limit on each cell. What did not run is an `error`, what breaks a limit a `failure`.
"""

import re
from xml.etree import ElementTree as ET

from crossrisk.interactions.gate.checks import Check
from crossrisk.interactions.gate.decide import Decision
from crossrisk.wording import legible

# What XML 1.0 has no way to write (section 2.2), and lone surrogates.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
SUITE_OF_STUDY = "the study"


def to_junit(decision: Decision) -> bytes:
    """The XML as UTF-8; the same decision gives the same bytes."""
    root = ET.Element("testsuites", name=_plain(f"crossrisk gate: {decision.study}"))
    totals = {"tests": 0, "failures": 0, "errors": 0}
    for defense in (None, *decision.defenses):
        checks = decision.of(defense)
        if not checks:
            continue
        kinds = [_kind(check) for check in checks]
        counts = {"tests": len(checks), "failures": kinds.count("failure"), "errors": kinds.count("error")}
        name = _plain(defense or SUITE_OF_STUDY)
        suite = ET.SubElement(root, "testsuite", name=name, skipped=str(kinds.count("skipped")))
        for count, number in counts.items():
            suite.set(count, str(number))
            totals[count] += number
        properties = ET.SubElement(suite, "properties")
        for key, value in _properties(decision).items():
            ET.SubElement(properties, "property", name=key, value=_plain(value))
        for check in checks:
            _case(suite, name, check)
    for count, number in totals.items():
        root.set(count, str(number))
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _properties(decision: Decision) -> dict[str, str]:
    policy = decision.policy
    return {
        "study": decision.study,
        "policy": policy.name,
        "policy.sha256": policy.hash,
        "alpha": f"{decision.alpha:g}",
        "correction": policy.correction,
    }


def _case(suite: ET.Element, suite_name: str, check: Check) -> None:
    place = f" (line {check.line})" if check.line is not None else ""
    case = ET.SubElement(suite, "testcase", name=_plain(f"{check.cell}: {check.asks}{place}"), classname=suite_name)
    kind, text = _kind(check), _plain(check.sentence)
    if kind in ("failure", "error"):
        ET.SubElement(case, kind, message=text, type=check.reason).text = text
    elif kind == "skipped":
        ET.SubElement(case, kind, message=text)
    else:
        ET.SubElement(case, "system-out").text = f"warning: {text}" if check.outcome == "warn" else text


def _kind(check: Check) -> str:
    """Which element tells how a check ended; a warning is passed."""
    if check.outcome == "fail":
        return "error" if check.unfinished else "failure"
    return "skipped" if check.reason == "not_applicable" else "passed"


def _plain(text: str) -> str:
    """A text of characters that XML can hold; control characters are seen and not obeyed."""
    return _UNWRITABLE.sub("\ufffd", legible(text))
