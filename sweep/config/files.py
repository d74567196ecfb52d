"""The user's config files: read with or without package line, with errors that name file, line and a way out."""

import re
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped] # comes with OmegaConf, without types
from hydra.core.object_type import ObjectType
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from sweep.config.keys import KEYS
from sweep.config.overrides import dotted
from sweep.config.yaml_text import yaml_data
from sweep.domain.task_ref import naming_key
from sweep.errors import ConfigError

SCHEME = "sweep"

_PACKAGE = re.compile(r"#\s*@package\s+(\S+)\s*")
_DEEPEST = 50
_OF_THE_ROOT = ("search", "check", "diagnose")
"""Groups that are not sections: their files set keys of the whole config."""


class UserFiles(ConfigSource):
    """Hydra's source for the files in a `--config-dir`. A file without package line is placed by its content."""

    @staticmethod
    def scheme() -> str:
        """Return the scheme (before ://) in Hydra's search path."""
        return SCHEME

    def load_config(self, config_path: str) -> ConfigResult:
        """Return a file's content and its package. Raises ConfigError."""
        file = self._file(config_path)
        text = _read_text(file)
        data, package = read_yaml(file, text), package_line(text)
        _check_defaults(file, data)
        if package is None and isinstance(data, dict):
            group, *folders, name = Path(config_path).with_suffix("").parts
            data, package = placed(group, folders, name, data)
        try:
            config = OmegaConf.create({} if data is None else data)
        except OmegaConfBaseException as exc:
            raise ConfigError("config file", f"{file}: {_refused(data)}") from exc
        return ConfigResult(provider=self.provider, path=self.full_path(), config=config, header={"package": package})

    def _file(self, config_path: str) -> Path:
        return Path(self.path, self._normalize_file_name(config_path))

    def available(self) -> bool:
        """Return whether the folder exists."""
        return Path(self.path).is_dir()

    def is_group(self, config_path: str) -> bool:
        """Return whether this is a folder."""
        return Path(self.path, config_path).is_dir()

    def is_config(self, config_path: str) -> bool:
        """Return whether this is a file, given without its extension."""
        return self._file(config_path).is_file()

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """Return the names of the files and folders in a folder, sorted."""
        found: list[str] = []
        for path in Path(self.path, config_path).iterdir():
            self._list_add_result(found, str(Path(config_path, path.name)), path.name, results_filter)
        return sorted(set(found))


def register() -> None:
    """Register UserFiles with Hydra."""
    Plugins.instance().register(UserFiles)


def package_line(text: str) -> str | None:
    """Return the package that a file's comments name before its first key, None if they name none."""
    for line in text.splitlines():
        bare = line.strip()
        if bare and not bare.startswith("#") and bare != "---":
            return None
        if match := _PACKAGE.fullmatch(bare):
            return match[1]
    return None


def placed(group: str, folders: list[str], name: str, data: dict[Any, Any]) -> tuple[dict[Any, Any], str]:
    """Return the content and the package of a file without a package line.

    A file with its group's section at the top (`task:`, `axes:`) sets keys of the whole config. Any other file is that
    section itself, as Hydra has it, but top-level keys of the config (`converge:`, `seeds:`) stay at the top. A task
    file that names its program (`_target_`) may have keys of any name: only `converge:` is moved to the top.
    """
    section = "axes" if group == "axis" else group
    if group in _OF_THE_ROOT or isinstance(data.get(section), dict):
        return data, "_global_"
    is_section = group != "task" or naming_key(data) is not None or not any(key in KEYS for key in data)
    at_top = {"converge"} if group == "task" else set(KEYS)
    top = {key: value for key, value in data.items() if key in at_top and isinstance(value, dict | int | list)}
    inner = {key: value for key, value in data.items() if key not in top}
    if not is_section or not inner.keys() - {"defaults"}:
        return data, "_global_"
    package = [section, *([name] if group == "axis" and set(inner) == {"levels"} else folders)]
    if not top:
        return inner, ".".join(package)
    defaults = {"defaults": inner.pop("defaults")} if "defaults" in inner else {}
    for part in reversed(package):
        inner = {part: inner}
    return {**defaults, **top, **inner}, "_global_"


def _check_defaults(file: Path, data: Any) -> None:
    """Raise ConfigError if a file's `defaults:` is not a list of names."""
    found = data.get("defaults", []) if isinstance(data, dict) else []
    if isinstance(found, list) and all(map(_is_choice, found)):
        return
    hint = "defaults: [digits_mlp, _self_] builds on digits_mlp of the same folder"
    raise ConfigError("config file", f"{file}: defaults must be a list of config files", value=found, hint=hint)


def _is_choice(item: object) -> bool:
    """Return whether an item of a defaults list is a name, or a group with its name or names."""
    if isinstance(item, dict):
        names = next(iter(item.values()), None)
        listed = names if isinstance(names, list) else [names]
        return len(item) == 1 and all(name is None or isinstance(name, str) for name in listed)
    return isinstance(item, str) and bool(item)


def _holds_itself(data: object, depth: int = 0) -> bool:
    """Return whether data contains itself, as with an anchor that is used inside itself."""
    if depth > _DEEPEST:
        return True
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return any(_holds_itself(item, depth + 1) for item in inner)


def _read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as exc:
        raise ConfigError("config file", f"{file} is not text in UTF-8", hint="save it as UTF-8") from exc
    except OSError as exc:
        raise ConfigError("config file", f"{file} cannot be read: {exc.strerror}") from exc


def read_yaml(file: Path, text: str) -> Any:
    """Return the plain data of a YAML file, numbers as OmegaConf reads them (1e-3). Raises ConfigError."""
    try:
        data = yaml_data(text)
    except yaml.YAMLError as exc:
        raise _broken(file, text, exc) from exc
    except ValueError as exc:  # a date or a number that Python cannot hold
        raise ConfigError(
            str(file), f"has a value that cannot be read: {exc}", hint="quote it to make it text"
        ) from exc
    if _holds_itself(data):
        raise ConfigError(
            "config file", f"{file} is nested too deeply, or contains itself through an anchor (&name, *name)"
        )
    if data is not None and not isinstance(data, dict):
        raise ConfigError("config file", f"{file} must be keys with values", value=data, hint="for example `lr: 0.1`")
    return data


def _broken(file: Path, text: str, exc: yaml.YAMLError) -> ConfigError:
    """Return the error for a file that is not YAML: the line in question, and the usual mistake."""
    mark = getattr(exc, "problem_mark", None) or getattr(exc, "context_mark", None)
    problem = str(getattr(exc, "problem", None) or getattr(exc, "reason", None) or "it cannot be read")
    if mark is None:
        return ConfigError("config file", f"{file} is not valid YAML: {problem}")
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    place = f"{file} is not valid YAML in line {mark.line + 1}, column {mark.column + 1}"
    return ConfigError(
        "config file", f"{place}: {_in_words(problem)}", value=line.strip() or None, hint=_way_out(line, problem)
    )


def _in_words(problem: str) -> str:
    if r"'\t'" in problem:
        return "a tab"
    if "duplicate key" in problem:
        return problem.replace("found duplicate key", "this key occurs twice:")
    if _is_unclosed(problem):
        return "the file ends before a bracket, brace or quote is closed"
    return problem


def _is_unclosed(problem: str) -> bool:
    return "stream end" in problem or "end of stream" in problem


def _way_out(line: str, problem: str) -> str:
    if r"'\t'" in problem or "\t" in line:
        return "indent with spaces: YAML does not allow tabs"
    if "duplicate key" in problem:
        return "remove one of them"
    if _is_unclosed(problem):
        return 'close it: { }, [ ], " "'
    if "???" in line:
        return 'inside braces quote it: "???"'
    if "${" in line:
        return 'inside braces quote it: "${converge.budget_steps}"'
    if "mapping values" in problem:
        return "write one key per line, with equal indentation within a section; quote text with a colon"
    return "a line is `key: value`, with a space after the colon; quote text with special characters"


def _refused(data: object) -> str:
    """Return what is wrong with the first value that cannot be part of a config."""
    for key, value in dotted(data):
        try:
            OmegaConf.create({"value": value})
        except OmegaConfBaseException:
            is_reference = isinstance(value, str) and "${" in value
            what = (
                "is not a reference; references look like `${section.key}`"
                if is_reference
                else "must be a number, text, true, false, null"
            )
            return f"{key} {what} (value: {value!r})"
    return "a key must be text: letters, digits and _ -"
