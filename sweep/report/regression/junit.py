"""junit.xml: one test case per task, so that a CI server shows a night as it shows tests."""

import re
from xml.etree import ElementTree as ET

from sweep.domain.printable import printable
from sweep.domain.regression import FAILURES, TaskVerdict
from sweep.report.regression.document import NightDocument, TaskDocument

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even escaped (section 2.2, Char)."""


def junit_xml(document: NightDocument) -> str:
    """Return the document: `failure` for slower and broken, `error` for not run, `skipped` for no baseline.

    Everything else passes, with its sentence and notes in `system-out`.
    """
    tasks = document.tasks
    verdicts = [task.verdict for task in tasks]
    totals = {
        "tests": str(len(tasks)),
        "failures": str(sum(verdict in FAILURES for verdict in verdicts)),
        "errors": str(verdicts.count(TaskVerdict.NOT_RUN)),
        "skipped": str(verdicts.count(TaskVerdict.NO_BASELINE)),
    }
    root = ET.Element("testsuites", {"name": "sweep", **totals})
    timestamp = document.at[:19]  # JUnit's schema has no time zone and no fractions; these are UTC
    suite = ET.SubElement(root, "testsuite", {"name": "sweep.regression", **totals, "timestamp": timestamp})
    for task in tasks:
        _case(suite, task)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(suite: ET.Element, task: TaskDocument) -> None:
    case = ET.SubElement(suite, "testcase", {"classname": "sweep.regression", "name": _clean(task.task)})
    verdict, words, details = task.verdict, _clean(task.words), _clean("\n".join(details_of(task)))
    if verdict in FAILURES:
        ET.SubElement(case, "failure", {"type": verdict, "message": words}).text = details
    elif verdict == TaskVerdict.NOT_RUN:
        ET.SubElement(case, "error", {"type": verdict, "message": words}).text = details
    elif verdict == TaskVerdict.NO_BASELINE:
        ET.SubElement(case, "skipped", {"message": words})
    else:
        ET.SubElement(case, "system-out").text = f"{words}\n{details}".strip()


def details_of(task: TaskDocument) -> list[str]:
    """Return the notes and suspects of a task, one per line."""
    lines = list(task.notes)
    if task.suspects:
        lines.append(f"Differs from {good_text(task)}:")
        lines += [f"  {suspect.words}" for suspect in task.suspects]
    elif task.good_night is not None:
        lines.append(f"Nothing recorded differs from {good_text(task)}.")
    return lines


def good_text(task: TaskDocument) -> str:
    """Return what a task's suspects are compared with."""
    good = task.good_night
    return "the accepted baseline" if good == "baseline" else f"the last good night ({good})"


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", printable(text))
