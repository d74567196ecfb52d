"""The YAML of config files as plain data: the same for every version of OmegaConf, whose own reader changes."""

import re
from typing import Any

import yaml  # type: ignore[import-untyped] # comes with OmegaConf, without types

_FLOAT = re.compile(
    r"""^(?:
     [-+]?[0-9]+(?:_[0-9]+)*\.[0-9_]*(?:[eE][-+]?[0-9]+)?
    |[-+]?[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+)
    |\.[0-9]+(?:_[0-9]+)*(?:[eE][-+][0-9]+)?
    |[-+]?[0-9]+(?:_[0-9]+)*(?::[0-5]?[0-9])+\.[0-9_]*
    |[-+]?\.(?:inf|Inf|INF)
    |\.(?:nan|NaN|NAN))$""",
    re.VERBOSE,
)
"""Text that is a float, as in OmegaConf: plain YAML 1.1 reads 1e-3 as text."""

_TEXT = "tag:yaml.org,2002:str"
_FLOAT_TAG = "tag:yaml.org,2002:float"
_DATE_TAG = "tag:yaml.org,2002:timestamp"


class _Loader(yaml.SafeLoader):  # type: ignore[misc] # untyped
    """Reads numbers as OmegaConf does, keeps dates as text, and rejects duplicate keys in a mapping.

    Keys from a merge (`<<: *name`) come first, in their order, including those that the mapping overrides.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._checked: set[int] = set()  # mappings whose own keys were checked: a merge adds to them later

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        if id(node) not in self._checked:
            self._checked.add(id(node))
            _refuse_twice(node)
        super().flatten_mapping(node)


def _refuse_twice(node: yaml.MappingNode) -> None:
    seen: set[str] = set()
    for key, _ in node.value:
        if key.tag != _TEXT:
            continue
        if key.value in seen:
            problem = f"found duplicate key {key.value}"
            raise yaml.constructor.ConstructorError(
                "while constructing a mapping", node.start_mark, problem, key.start_mark
            )
        seen.add(key.value)


_Loader.add_implicit_resolver(_FLOAT_TAG, _FLOAT, list("-+0123456789."))
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _DATE_TAG]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}


def yaml_data(text: str) -> Any:
    """Return the plain data of a YAML text. Raises yaml.YAMLError, and ValueError for a number that Python cannot
    hold."""
    return yaml.load(text, Loader=_Loader)
