"""Notes on parts of a command line that have no effect, or were replaced."""

from collections.abc import Iterator, Mapping

from omegaconf import DictConfig

from sweep.config.overrides import Overrides


def notes_of(parsed: Overrides, before: DictConfig, *, default_params: Mapping[str, str]) -> tuple[str, ...]:
    """Return a note for each part of the command line without effect, and for a default that was left out.

    `before` is the config without the overrides that set single values.
    """
    return (*_given_twice(parsed), *_without_effect(parsed, before), *_left_out(parsed, default_params))


def _given_twice(parsed: Overrides) -> Iterator[str]:
    last: dict[str, str] = {}
    for override in parsed.hydra:
        key, text = override.key_or_group, str(override.input_line)
        if key in last and last[key] != text and not override.is_delete():
            yield f"{key} is given twice: {last[key]} has no effect, {text} is used"
        last[key] = text


def _without_effect(parsed: Overrides, before: DictConfig) -> Iterator[str]:
    for override in parsed.hydra:
        if override.key_or_group == "stages" and not override.is_delete() and not before.get("stages"):
            yield f"{override.input_line} has no effect: only +check=all and +diagnose=full have stages to remove"


def _left_out(parsed: Overrides, default_params: Mapping[str, str]) -> Iterator[str]:
    given = [key for key, _ in parsed.params]
    for override in parsed.hydra:
        if override.key_or_group == "params" and isinstance(value := override.value(), dict):
            given += [str(key) for key in value]
    for key, text in default_params.items():
        if given and key not in (*given, *parsed.removed_params):
            word = f"'+params.{key}={text}'"
            yield f"searched: {', '.join(given)}; not the default {key} ({word} adds it)"
