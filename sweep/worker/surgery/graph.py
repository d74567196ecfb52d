"""What a tensor was computed from, as its autograd graph says."""

from collections.abc import Iterator
from typing import Any

VIEWS = frozenset(
    {"Reshape", "Squeeze", "Unsqueeze", "Flatten", "Cast", "Slice", "StridedSlice", "Transpose", "Assign", "View"}
)
"""Operations that give the same numbers, or some of them, in another form."""

LEAF = "GradNodeAccumulation"


def operation(node: Any) -> str:
    """Return the operation of a node of a graph: `Matmul`. Those in place and their final form count as the same."""
    name: str = node.name()
    return name.partition("GradNode")[0].rstrip("0123456789_")


def node_of(tensor: Any) -> int | None:
    """Return what identifies the operation that made a tensor; None if it is no result with a gradient."""
    node = None if tensor.stop_gradient else tensor.grad_fn
    return None if node is None or is_leaf(node) else node.node_ptr()


def is_leaf(node: Any) -> bool:
    """Return whether this stands for a parameter, or other tensor that was not computed."""
    return bool(node.name() == LEAF)


def behind_views(tensor: Any) -> Any:
    """Return the node of the operation that computed the numbers of a tensor; None without a gradient."""
    node = None if tensor.stop_gradient else tensor.grad_fn
    while node is not None and operation(node) in VIEWS:
        node = next(iter(inputs_of(node)), None)
    return None if node is None or is_leaf(node) else node


def inputs_of(node: Any) -> Iterator[Any]:
    """Yield the nodes of the operations whose results this one has got."""
    return (below for below in node.next_functions if below is not None)


def has_parameters(node: Any) -> bool:
    """Return whether an operation has a parameter, or other tensor that was not computed, as an input."""
    return any(is_leaf(below) for below in inputs_of(node))
