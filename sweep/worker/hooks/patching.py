"""Wraps functions of classes, modules and objects for several users at once, and restores them exactly."""

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from enum import IntEnum
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary

Function = Callable[..., Any]

Make = Callable[[Function], Function]
"""Takes the function behind a hook and returns the one to call instead, with the same arguments. It is called again
whenever the hooks on that function change, so it must not keep state."""


class Role(IntEnum):
    """The purpose of a hook, which decides its position. Hooks are called in this order; the last one calls Paddle."""

    CHANGES = 0  # changes what the training does: it sees the program's arguments
    WATCHES = 1  # records what is done: it sees the arguments as changed


class Hooks:
    """The hooks of one user, removed together: by `close`, or at the end of a `with` block, also after an exception.

    Several hooks on one function are called by role; among hooks of one role, the one installed last is called first.
    A hook that is installed twice is called twice. Hooks on an object are called before those on its class.
    """

    def __init__(self, role: Role) -> None:
        self._role = role
        self._undo = ExitStack()

    def around(self, owner: object, name: str, make: Make) -> None:
        """Hook the function `name` of a class, a module or an object: `make` returns what is called instead.

        A function that a class inherits is hooked for that class only. Raises AttributeError if there is no such
        function.
        """
        patch = _Patch(self._role, make)
        site = _SITES.get((id(owner), name)) or _Site(owner, name)
        site.add(patch)
        self._undo.callback(site.remove, patch)

    def close(self) -> None:
        """Remove all hooks. Closing again does nothing."""
        self._undo.close()

    def __enter__(self) -> "Hooks":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def around_function(hooks: Hooks, function: Function, make: Make) -> None:
    """Hook a function in every module that has it under any name, as after `from m import function`.

    Calls through a default argument or an attribute of an object are not hooked. A function that is hooked already may
    be given as it was or as it is now.
    """
    original = _ORIGINALS.get(function, function)
    for module, name in _NAMES.of(original):
        hooks.around(module, name, make)


@contextmanager
def with_known_names() -> Iterator[None]:
    """Within, take the names of modules that were looked at for known, but for new modules: it hooks many functions."""
    _NAMES.look()
    before, _NAMES.is_held = _NAMES.is_held, True
    try:
        yield
    finally:
        _NAMES.is_held = before


def installed() -> tuple[tuple[object, str], ...]:
    """Return the owner and name of each function that is currently hooked."""
    return tuple((site.owner, site.name) for site in _SITES.values())


class _Patch:
    """One hook on one function. Compared by identity, as a hook may be installed twice."""

    def __init__(self, role: Role, make: Make) -> None:
        self.role, self.make = role, make


_MISSING = object()


class _Site:
    """A hooked attribute. Its replacement calls the hooks that are installed at the time of the call.

    So whatever has kept a reference to the replacement, such as a wrapper of the program's, calls the original once the
    hooks are removed.
    """

    def __init__(self, owner: Any, name: str) -> None:
        self.owner, self.name = owner, name
        self.raw = getattr(owner, "__dict__", {}).get(name, _MISSING)
        self._patches: list[_Patch] = []  # from the function itself outwards
        found = self._found()
        self._call, self._aim = _redirected(_plain(found))
        self._ours: Any = type(found)(self._call) if isinstance(found, staticmethod | classmethod) else self._call
        _ORIGINALS[self._call] = found

    def add(self, patch: _Patch) -> None:
        """Install a hook at its position. If that fails, everything is as before."""
        place = sum(other.role >= patch.role for other in self._patches)
        self._patches.insert(place, patch)
        try:
            self.renew()
            if (id(self.owner), self.name) not in _SITES:
                setattr(self.owner, self.name, self._ours)
                _SITES[id(self.owner), self.name] = self
                self._renew_inherited()
        except BaseException:
            self.remove(patch)
            raise

    def remove(self, patch: _Patch) -> None:
        """Remove a hook; with the last one the attribute is restored.

        If the program has replaced the attribute in the meantime, its replacement stays, and calls the original through
        ours.
        """
        self._patches = [other for other in self._patches if other is not patch]
        if self._patches or _SITES.pop((id(self.owner), self.name), None) is None:
            self.renew()
            return
        if vars(self.owner).get(self.name) is self._ours:
            if self.raw is _MISSING:
                delattr(self.owner, self.name)
            else:
                setattr(self.owner, self.name, self.raw)
        self.renew()
        self._renew_inherited()

    def renew(self) -> None:
        """Redirect calls through the current hooks to the current function."""
        function = _plain(self._found())
        for patch in self._patches:
            function = patch.make(function)
        self._aim(function)

    def _renew_inherited(self) -> None:
        """Let sites that inherit a function find the new one. Nothing inherits from a module."""
        if not isinstance(self.owner, ModuleType):
            for site in tuple(_SITES.values()):
                if site.is_inherited:
                    site.renew()

    @property
    def is_inherited(self) -> bool:
        """Whether the owner inherits the function from a class, whose hooks may change."""
        return self.raw is _MISSING

    def _found(self) -> Any:
        return _inherited(self.owner, self.name) if self.is_inherited else self.raw


_SITES: dict[tuple[int, str], _Site] = {}
_ORIGINALS: WeakKeyDictionary[Function, Any] = WeakKeyDictionary()
"""By what stands in its place: a hooked function."""


_KINDS = (FunctionType, BuiltinFunctionType, MethodType)


class _Names:
    """Where modules have a function, and under which names.

    To go through all names takes 30 ms with Paddle, so each module is looked at again only if its number of names has
    changed. A parent process that has hooked a function does it for its forks.
    """

    def __init__(self) -> None:
        self.is_held = False
        self._loaded: list[Any] = []
        self._modules: list[ModuleType] = []
        self._size = -1
        self._sizes: dict[int, int] = {}  # by the id of a module
        self._places: dict[int, dict[tuple[int, str], ModuleType]] = {}  # by the id of a function

    def of(self, function: Function) -> list[tuple[ModuleType, str]]:
        """Return the modules and names; hooked ones count as the function that they hook."""
        if not self.is_held or list(sys.modules.values()) != self._loaded:
            self.look()
        places = self._places.get(id(function), {}).items()
        return [(module, name) for (_, name), module in places if _raw(module, name) is function]

    def look(self) -> None:
        """Find the functions that have been added."""
        loaded = list(sys.modules.values())
        if loaded != self._loaded:
            self._loaded, self._size = loaded, -1
            self._modules = [module for module in loaded if isinstance(module, ModuleType)]
        size = sum(map(len, map(vars, self._modules)))
        if size != self._size:
            self._size = size
            for module in self._modules:
                self._look_at(module)

    def _look_at(self, module: ModuleType) -> None:
        names = vars(module)
        if self._sizes.get(id(module)) == len(names):
            return
        self._sizes[id(module)] = len(names)
        for name, value in list(names.items()):
            if isinstance(value, _KINDS) or type(value).__name__ == "cython_function_or_method":
                self._places.setdefault(id(_raw(module, name)), {})[id(module), name] = module


_NAMES = _Names()


def _raw(module: ModuleType, name: str) -> Any:
    site = _SITES.get((id(module), name))
    return vars(module).get(name) if site is None else site.raw


def _redirected(first: Function) -> tuple[Function, Callable[[Function], None]]:
    """Return a function with the name and signature of `first` that calls it, and a setter for what it calls."""
    target = first

    @functools.wraps(first)
    def call(*args: Any, **kwargs: Any) -> Any:
        return target(*args, **kwargs) if kwargs else target(*args)  # without kwargs the call is faster

    def aim(function: Function) -> None:
        nonlocal target
        target = function

    return call, aim


def _plain(found: Any) -> Function:
    """Return the function of an attribute, unwrapped from staticmethod or classmethod."""
    return found.__func__ if isinstance(found, staticmethod | classmethod) else found


def _inherited(owner: Any, name: str) -> Any:
    """Return what an owner inherits under this name, bound if the owner is an object. Raises AttributeError."""
    is_class = isinstance(owner, type)
    kind: Any = owner if is_class else type(owner)
    for base in kind.__mro__[is_class:]:
        if name in vars(base):
            found = vars(base)[name]
            return found if is_class else found.__get__(owner, kind)
    if not is_class and hasattr(kind, "__getattr__"):  # it forwards missing attributes to another object
        return kind.__getattr__(owner, name)
    raise AttributeError(f"{kind.__name__} has no function {name} to hook")
