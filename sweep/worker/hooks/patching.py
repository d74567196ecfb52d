"""Functions of classes, modules and objects wrapped by several users at once, and put back exactly as they were."""

import functools
import sys
from collections.abc import Callable
from contextlib import ExitStack
from enum import IntEnum
from typing import Any

Function = Callable[..., Any]

Make = Callable[[Function], Function]
"""Makes of the function that a hook stands in front of the one that is called instead, with the same arguments. It is
called again whenever the hooks of that function change, so it keeps no state of its own."""


class Role(IntEnum):
    """What a hook is there for, which decides its place: in order from the program's call to Paddle's function."""

    CHANGES = 0  # has the training do something else: it sees what the program asked for
    WATCHES = 1  # records what is done: it sees what the others made of that


class Hooks:
    """The hooks of one user, which are undone together: by `close`, or at the end of a `with`, also by an exception.

    Of several hooks on one function, those with an earlier role are called first, and of one role the latest installed.
    The same hook installed twice is called twice. A hook on an object is called before those on its class.
    """

    def __init__(self, role: Role) -> None:
        self._role = role
        self._undo = ExitStack()

    def around(self, owner: object, name: str, make: Make) -> None:
        """Put what `make` makes in front of the function `name` of a class, a module, or an object.

        A function that a class inherits is hooked for that class alone. Raises AttributeError if there is none.
        """
        patch = _Patch(self._role, make)
        site = _SITES.get((id(owner), name)) or _Site(owner, name)
        site.add(patch)
        self._undo.callback(site.remove, patch)

    def close(self) -> None:
        """Undo all of them. Closing once more does nothing."""
        self._undo.close()

    def __enter__(self) -> "Hooks":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def around_function(hooks: Hooks, function: Function, make: Make) -> None:
    """Hook a function of a module in every module that knows it by a name, as after `from m import function`.

    A call through a default argument, or an attribute of an object, is not reached.
    """
    for module in list(sys.modules.values()):
        names = getattr(module, "__dict__", None)
        if isinstance(names, dict):
            for name in [name for name, value in list(names.items()) if value is function]:
                hooks.around(module, name, make)


def installed() -> tuple[tuple[object, str], ...]:
    """Return the owner and name of each function that is hooked now."""
    return tuple((site.owner, site.name) for site in _SITES.values())


class _Patch:
    """One hook on one function. Compared by identity: the same one may be installed twice."""

    def __init__(self, role: Role, make: Make) -> None:
        self.role, self.make = role, make


_NOT_THERE = object()


class _Site:
    """A hooked attribute. What is put in its place calls the hooks there are at the time of the call.

    So whatever has taken hold of that function, a wrapper of the program's own over it, say, calls the original once
    the hooks are gone.
    """

    def __init__(self, owner: Any, name: str) -> None:
        self.owner, self.name = owner, name
        self._raw = getattr(owner, "__dict__", {}).get(name, _NOT_THERE)
        self._patches: list[_Patch] = []  # from the function itself outwards
        found = self._found()
        self._call, self._aim = _redirected(_plain(found))
        self._ours: Any = type(found)(self._call) if isinstance(found, staticmethod | classmethod) else self._call

    def add(self, patch: _Patch) -> None:
        """Put one more hook in its place. Where that fails, everything is as before."""
        place = sum(other.role >= patch.role for other in self._patches)
        self._patches.insert(place, patch)
        try:
            self.renew()
            if (id(self.owner), self.name) not in _SITES:
                setattr(self.owner, self.name, self._ours)
                _SITES[id(self.owner), self.name] = self
                _renew_heirs()
        except BaseException:
            self.remove(patch)
            raise

    def remove(self, patch: _Patch) -> None:
        """Take a hook away; with the last one the attribute is what it was.

        Where something else has been put over it meanwhile, that stays, and comes to the original through ours.
        """
        self._patches = [other for other in self._patches if other is not patch]
        if self._patches or _SITES.pop((id(self.owner), self.name), None) is None:
            self.renew()
            return
        if vars(self.owner).get(self.name) is self._ours:
            if self._raw is _NOT_THERE:
                delattr(self.owner, self.name)
            else:
                setattr(self.owner, self.name, self._raw)
        self.renew()
        _renew_heirs()

    def renew(self) -> None:
        """Have calls go through the hooks as they are now, to the function as it is now."""
        function = _plain(self._found())
        for patch in self._patches:
            function = patch.make(function)
        self._aim(function)

    @property
    def is_inherited(self) -> bool:
        """Whether the owner has the function from a class, on which hooks may come and go."""
        return self._raw is _NOT_THERE

    def _found(self) -> Any:
        return _inherited(self.owner, self.name) if self.is_inherited else self._raw


_SITES: dict[tuple[int, str], _Site] = {}


def _renew_heirs() -> None:
    for site in tuple(_SITES.values()):
        if site.is_inherited:
            site.renew()


def _redirected(first: Function) -> tuple[Function, Callable[[Function], None]]:
    """Return a function with the name and signature of `first` that calls it, and what makes it call another one."""
    target = first

    @functools.wraps(first)
    def call(*args: Any, **kwargs: Any) -> Any:
        return target(*args, **kwargs) if kwargs else target(*args)  # the second way is the faster one

    def aim(function: Function) -> None:
        nonlocal target
        target = function

    return call, aim


def _plain(found: Any) -> Function:
    """Return the function that an attribute is, or holds."""
    return found.__func__ if isinstance(found, staticmethod | classmethod) else found


def _inherited(owner: Any, name: str) -> Any:
    """Return what an owner without such an attribute has from a class, bound for an object. Raises AttributeError."""
    is_class = isinstance(owner, type)
    kind: Any = owner if is_class else type(owner)
    for base in kind.__mro__[is_class:]:
        if name in vars(base):
            found = vars(base)[name]
            return found if is_class else found.__get__(owner, kind)
    if not is_class and hasattr(kind, "__getattr__"):  # forwards what it lacks to another object
        return kind.__getattr__(owner, name)
    raise AttributeError(f"{kind.__name__} has no function {name} to hook")
