"""The walks of CONTRIBUTING.md: their stations, and the functions that these name."""

import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "CONTRIBUTING.md"

_STATION = re.compile(r"\d+\. `([\w/]+)\.py: ([\w.]+)` .+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """A station of a walk: the function `name` of `module`, in `line` of the page."""

    line: int
    module: str
    name: str

    def __str__(self) -> str:
        return f"CONTRIBUTING.md, line {self.line}: {self.module.replace('.', '/')}.py: {self.name}"

    def function(self) -> Any:
        """Return the function. Raises LookupError, naming the line, if there is none."""
        try:
            found: Any = importlib.import_module(self.module)
            for part in self.name.split("."):
                found = getattr(found, part)
        except (ImportError, AttributeError) as error:
            raise LookupError(f"{self} is not there ({error})") from error
        found = inspect.unwrap(found)
        if not inspect.isfunction(found):
            raise LookupError(f"{self} is no function")
        return found


def walks() -> dict[str, list[Station]]:
    """Return the stations of each walk, by its heading."""
    found: dict[str, list[Station]] = {}
    for heading, line, text in _lines():
        match = _STATION.fullmatch(text)
        if match is None:
            raise LookupError(f"CONTRIBUTING.md, line {line}: not `FILE: FUNCTION` and what happens there: {text}")
        module = "sweep." + match[1].replace("/", ".")
        found.setdefault(heading, []).append(Station(line=line, module=module, name=match[2]))
    return found


def _lines() -> Iterator[tuple[str, int, str]]:
    is_inside, heading = False, ""
    for line, text in enumerate(PAGE.read_text(encoding="utf-8").splitlines(), start=1):
        if text.startswith("## "):
            is_inside = text == "## A stranger's walk"
        elif text.startswith("### "):
            heading = text.removeprefix("### ")
        elif is_inside and text[:1].isdigit():
            yield heading, line, text
