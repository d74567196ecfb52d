"""What a tensor was computed from, as its autograd graph says."""

from collections.abc import Iterator
from typing import Any

import paddle

VIEWS = frozenset(
    {"Reshape", "Squeeze", "Unsqueeze", "Flatten", "Cast", "Slice", "StridedSlice", "Transpose", "Assign", "View"}
)
"""Operations that give the same numbers, or some of them, in another form."""

WEIGHING = ("Matmul", "Conv", "DepthwiseConv", "Bmm", "Addmm", "Einsum", "Mv", "Linear", "Rnn", "FusedGemm", "Fc")
"""How the names of operations of layers with weights begin."""

GATES = frozenset({"Multiply"})

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


def tensors_in(value: Any) -> Iterator[Any]:
    """Yield the tensors in what a model returned."""
    if isinstance(value, paddle.Tensor):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from tensors_in(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from tensors_in(part)


def hidden_in(outputs: Any, wanted: frozenset[int]) -> frozenset[int]:
    """Return which of these operations (`node_of`) a layer with weights follows on the way to the outputs of a model.

    One whose result is multiplied with another computed tensor is left out: it is a gate.
    """
    found: set[int] = set()
    gates: set[int] = set()
    seen: dict[int, bool] = {}
    todo = [(tensor.grad_fn, False, False) for tensor in tensors_in(outputs) if node_of(tensor) is not None]
    while todo:
        node, is_followed, is_gate = todo.pop()
        at = node.node_ptr()
        if at in wanted:
            gates.update({at} if is_gate else ())
            found.update({at} if is_followed else ())
        if seen.get(at, False) >= is_followed and at in seen and not is_gate:
            continue
        seen[at] = seen.get(at, False) or is_followed
        name, below = operation(node), [other for other in inputs_of(node) if not is_leaf(other)]
        multiplies = (name in GATES and len(below) > 1) or (name in VIEWS and is_gate)
        todo += [(other, is_followed or name.startswith(WEIGHING), multiplies) for other in below]
    return frozenset(found - gates)
