"""Parses the overrides of a command line one by one, so that errors name the override."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from hydra.core.override_parser.types import Override, OverrideType
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from sweep.config.folders import GROUPS, ONE_OF
from sweep.config.hydra_versions import parse_override
from sweep.config.secrets import recordable
from sweep.config.wording import in_words, misread
from sweep.errors import ConfigError, nearest

# Hydra's grammar wants every element with a `=` quoted: `["task.width=8"]`. A level reads better without.
_BARE_LEVEL = re.compile(r"""(?<=[\[,])\s*([+~]{0,2}[\w./@]+=[^\[\]{},'"]*?)\s*(?=[,\]])""")
_KEY = re.compile(r"[\w./@:$-]+", re.ASCII)
_AXES = re.compile(r"^\+{0,2}axes[.=]")
# Hydra reads `+params.task.lr=interval(0, 1)` as a multirun; here the text is wanted.
_PARAM = re.compile(r"^\+{0,2}params\.([^=]+)=(.*)$", re.DOTALL)
_REMOVED_AXIS = re.compile(r"^~axes\.([^.=]+)(?:\.levels\.([^=]+))?$")
# A URL with `?host=/run/postgresql&port=5433`, or a password, needs no extra quotes for Hydra.
_SERVER_URL = re.compile(r"^(\+{0,2}store\.url=)(postgres\S*)$")
# `study=seq-base-lr=0.22`, like an automatic name, and `study=1e5`: names are text, as typed.
_STUDY = re.compile(r"^(study=)(?!(?i:null)$)([\w.+=-]+)$")
_ADDED_GROUPS = ("ablation", "search", "check", "diagnose", "regression")  # nothing is chosen from them by default
_REMOVED_PARAM = re.compile(r"^~params\.([^=]+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """A command line's overrides, sorted by how they are applied.

    `hydra` are applied by Hydra. The others have no Hydra syntax and are applied afterwards: `params` are (task key,
    sweep text), `removed_axes` (axis, level or None for the whole axis), `removed_params` task keys.
    """

    hydra: tuple[Override, ...]
    params: tuple[tuple[str, str], ...]
    removed_axes: tuple[tuple[str, str | None], ...]
    removed_params: tuple[str, ...]

    @property
    def group_texts(self) -> list[str]:
        """The choices of config groups: what Hydra itself gets."""
        return [str(override.input_line) for override in self.hydra if is_group(override)]

    def choices(self, group: str) -> tuple[str, ...]:
        """Return the names that the last override of this group chooses, () if there is none."""
        chosen: tuple[str, ...] = ()
        for override in self.hydra:
            if override.key_or_group == group and not override.is_delete():
                value = override.value()
                chosen = tuple(str(v) for v in value) if isinstance(value, list) else (str(value),)
        return chosen

    @property
    def named_axes(self) -> frozenset[str]:
        """The axes named on the command line, by `axis=[...]` or `axes.NAME...`."""
        names = set(self.choices("axis"))
        for override in self.hydra:
            first, _, rest = override.key_or_group.partition(".")
            if first == "axes" and rest:
                names.add(rest.split(".")[0])
            elif first == "axes" and isinstance(value := override.value(), dict):
                names |= {str(name) for name in value}
        return frozenset(names)


def is_group(override: Override) -> bool:
    """Return whether an override chooses from a config group rather than setting a value."""
    return override.key_or_group in GROUPS


def parse_overrides(texts: Sequence[str]) -> Overrides:
    """Return the parsed overrides. Raises ConfigError for the first one that is invalid."""
    hydra: list[Override] = []
    params: dict[str, str] = {}
    removed_axes: list[tuple[str, str | None]] = []
    removed_params: list[str] = []
    for text in texts:
        if match := _REMOVED_AXIS.match(text):
            removed_axes.append((match[1], match[2]))
        elif match := _REMOVED_PARAM.match(text):
            removed_params.append(match[1])
        elif match := _PARAM.match(text):
            params[match[1]] = _unquoted(match[2])
        else:
            hydra.append(_parse(text))
    return Overrides(
        hydra=tuple(hydra),
        params=tuple(params.items()),
        removed_axes=tuple(removed_axes),
        removed_params=tuple(removed_params),
    )


def _parse(text: str) -> Override:
    """Return Hydra's reading of one override, with our errors in place of Hydra's unclear ones."""
    given = text
    if _AXES.match(text):
        text = _BARE_LEVEL.sub(r'"\1"', text)
    if re.match(r"^(axes|params)[.=]", text):
        text = f"++{text}"  # free-form sections: any new name is allowed
    if match := _SERVER_URL.match(text) or _STUDY.match(text):
        text = match[1] + "'" + match[2].replace("'", "\\'") + "'"
    try:
        override = parse_override(text)
    except HydraException as exc:
        raise _malformed(given) from exc
    except ValueError as exc:  # Python cannot convert integers of more than 4,300 digits
        raise ConfigError(key_of_word(given), "cannot be read: the number has too many digits") from exc
    if is_group(override) and not override.is_delete() and isinstance(override.value(), int | float | None):
        head, _, name = text.partition("=")  # file names: `nan`, `1` or `true` are text there
        override = parse_override(f"{head}='{name.strip()}'")
    key = override.key_or_group
    if not key:
        raise ConfigError(given, "has no key", hint="an override is KEY=VALUE, +KEY=VALUE or ~KEY")
    if key == "hydra" or key.startswith(("hydra.", "hydra/")):
        raise ConfigError(
            key,
            "sweep composes its config with Hydra but is not a Hydra application",
            value=given,
            hint="use --config-dir for config folders, results= and launcher.* for the rest",
        )
    if override.is_sweep_override():
        name, _, values = given.partition("=")
        search = f"to search over values: +search=tpe '+params.{key}={values}'; "
        listed = f"for a list: {name}=[{'a,b' if '(' in values else values}]"
        hint = f"{name}=NAME" if key in ONE_OF else (search if key.startswith("task.") else "") + listed
        raise ConfigError(key, "a study has one value per key", value=given, hint=hint)
    if override.package is not None or (override.is_delete() and is_group(override) and key != "axis"):
        raise ConfigError(key, "cannot be removed or moved to another package", value=given)
    if override.type is OverrideType.CHANGE and key in _ADDED_GROUPS:
        raise ConfigError(key, "needs a + in front", value=given, hint=f"+{given}")
    return override


def _malformed(text: str) -> ConfigError:
    """Return the error for an override with invalid Hydra syntax."""
    if "=" not in text:
        near = nearest(text, GROUPS)
        meant = f"; did you mean {'+' * (near in _ADDED_GROUPS)}{near}=NAME?" if near else ""
        hint = f"an override is KEY=VALUE, +KEY=VALUE or ~KEY, without spaces{meant}"
        return ConfigError(text, "is neither a command nor an override", hint=hint)
    key, _, value = recordable([text])[0].partition("=")
    if not _KEY.fullmatch(key.lstrip("+~")):
        problem = "keys on the command line have only letters a to z, digits and _ - . /"
        raise ConfigError(key.lstrip("+~"), problem, value=text)
    hint = "quote text with special characters: KEY='\"text\"'; lists are [a,b], mappings {a: 1}"
    if _AXES.match(text):
        hint = "level names have letters, digits and . _ + -, without quotes; '+axes.x={levels: {low: [task.lr=0.1]}}'"
    return ConfigError(key.lstrip("+~"), f"cannot be read: {misread(value)}", value=value, hint=hint)


def key_of_word(word: str) -> str:
    """Return the key of an argument of the command line, without the + or ~ in front."""
    return word.lstrip("+~").partition("=")[0]


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


@lru_cache(maxsize=4096)  # a level is read when it is checked and again for each cell; parsing takes 1 ms
def task_override(text: str) -> tuple[str, object]:
    """Return key and value of an override that sets one key of the task (`task.dropout=0.0`).

    Raises ValueError with the problem for anything else.
    """
    try:
        override = parse_override(text)
    except HydraException as exc:
        raise ValueError(f"cannot be read: {misread(text.partition('=')[2])}") from exc
    if override.type is not OverrideType.CHANGE or override.package is not None:
        raise ValueError("must be of the form task.KEY=VALUE")
    if override.is_sweep_override():
        raise ValueError("sets several values; a level sets one")
    if not override.key_or_group.startswith("task."):
        raise ValueError("a level may only set keys of the task: task.KEY=VALUE")
    try:
        # As OmegaConf reads it: a number, a bool, null, text, a list or a mapping, without quotes.
        value = OmegaConf.to_container(OmegaConf.create({"v": override.value()}), resolve=False)
    except OmegaConfBaseException as exc:
        raise ValueError(f"cannot be read: {in_words(exc)}") from exc
    assert isinstance(value, dict)
    return override.key_or_group, value["v"]


def dotted(items: object, prefix: str = "") -> Iterable[tuple[str, object]]:
    """Yield (dotted key, value) of every leaf of nested mappings."""
    if isinstance(items, dict):
        for key, value in items.items():
            yield from dotted(value, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, items
