"""The recipes of real programs (scripts/real/), and an environment for each, made by pip."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
RECIPES = Path(__file__).parent / "real"
INSTALLED = "installed.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A program with a planted fault, and what is known about it, by hand: its `truth.json`.

    `args` run it with the fault, with `healthy` added without it. `metric` decides, with `mode` and `target`. A toggle
    of `repaired_by` repairs the fault alone, one of `not_repaired_by` does not. `build` are packages without a wheel,
    which are built in the environment itself after all others.
    """

    name: str
    package: str
    kind: str
    fault: str
    args: tuple[str, ...]
    healthy: tuple[str, ...]
    metric: str
    mode: str
    target: float
    repaired_by: tuple[str, ...]
    not_repaired_by: tuple[str, ...]
    build: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        return RECIPES / self.name

    @property
    def requirements(self) -> tuple[str, ...]:
        """The pinned packages of the program's environment, as `name==version`."""
        return tuple((self.folder / "requirements.txt").read_text(encoding="utf-8").split())


def recipes(names: Sequence[str] = ()) -> list[Recipe]:
    """Return the recipes of these names, by default all, in the order of their names."""
    found = []
    for path in sorted(RECIPES.glob("*/truth.json")):
        truth = json.loads(path.read_text(encoding="utf-8"))
        lists = {key: tuple(value) for key, value in truth.items() if isinstance(value, list)}
        found.append(Recipe(name=path.parent.name, **{**truth, **lists}))
    return [recipe for recipe in found if not names or recipe.name in names]


def environment(recipe: Recipe, folder: Path) -> Path:
    """Return the Python of a recipe's environment below `folder`, which is made unless it is there already.

    sweep is installed beside the program's packages, with their versions as constraints: none of them is replaced.
    Raises subprocess.CalledProcessError, RuntimeError.
    """
    place = folder / recipe.name
    python = place / "bin" / "python"
    pinned = [each for each in recipe.requirements if each not in recipe.build]
    digest = hashlib.sha256("\n".join([*recipe.requirements, str(ROOT)]).encode()).hexdigest()
    marker = place / INSTALLED
    if marker.is_file() and marker.read_text(encoding="utf-8") == digest:
        return python
    print(f"{recipe.name}: installing {len(recipe.requirements)} packages into {place}", flush=True)
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    listed, bounds = place / "requirements.txt", place / "constraints.txt"
    listed.write_text("\n".join(pinned) + "\n", encoding="utf-8")
    bounds.write_text("\n".join(each for each in recipe.requirements if not each.startswith("pip==")), encoding="utf-8")
    pip(python, "--no-deps", "-r", str(listed))
    if recipe.build:
        pip(python, "--no-deps", "--no-use-pep517", "--no-build-isolation", *recipe.build)
    pip(python, "-e", str(ROOT), "-c", str(bounds))
    replaced = sorted(set(map(plain, recipe.requirements)) - set(installed(python)))
    if replaced:
        raise RuntimeError(f"{recipe.name}: not as the program asks for after sweep was installed: {replaced}")
    marker.write_text(digest, encoding="utf-8")
    return python


def installed(python: Path) -> list[str]:
    """Return what is installed, as `name==version`."""
    words = [str(python), "-m", "pip", "list", "--format", "freeze", "--disable-pip-version-check"]
    return [plain(line) for line in subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()]


def plain(requirement: str) -> str:
    """Return `name==version` as pip compares names: lower case, with dashes."""
    name, _, version = requirement.partition("==")
    return f"{name.lower().replace('_', '-').replace('.', '-')}=={version}"


def pip(python: Path, *words: str) -> None:
    subprocess.run(
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *words],
        check=True,
        env={**os.environ, "PYTHONPATH": ""},
    )
