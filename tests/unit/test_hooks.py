"""Functions wrapped by several users at once, and put back as they were: without paddle."""

import inspect
import random
import sys
import types

import pytest

from sweep.worker.hooks import Hooks, Role, around_function, installed


class Base:
    def step(self, rate, *, times=1):
        """Step."""
        return ("base", rate, times)

    @staticmethod
    def fixed(x):
        return ("fixed", x)

    @classmethod
    def made(cls, x):
        return (cls.__name__, x)


class Heir(Base):
    pass


class Overrides(Base):
    def step(self, rate, *, times=1):
        return ("overrides", super().step(rate, times=times))


def noting(calls, name):
    def make(below):
        def hook(*args, **kwargs):
            calls.append(name)
            return below(*args, **kwargs)

        return hook

    return make


@pytest.fixture(autouse=True)
def nothing_left():
    before = [dict(vars(kind)) for kind in (Base, Heir, Overrides)]
    yield
    after = [dict(vars(kind)) for kind in (Base, Heir, Overrides)]
    for old, new in zip(before, after, strict=True):
        assert old.keys() == new.keys()
        assert all(old[name] is new[name] for name in old)
    assert installed() == ()


@pytest.mark.parametrize("owner", [Base, Heir, Overrides])
@pytest.mark.parametrize("name", ["step", "fixed", "made"])
def test_a_hook_sees_calls_and_closing_leaves_every_attribute_the_same_object(owner, name):
    calls = []
    expected = getattr(owner(), name)(1)
    with Hooks(Role.WATCHES) as hooks:
        hooks.around(owner, name, noting(calls, "seen"))
        assert getattr(owner(), name)(1) == expected
        assert installed() == ((owner, name),)
    assert getattr(owner(), name)(1) == expected
    assert calls == ["seen"]


def test_one_that_changes_is_called_before_one_that_watches_and_of_one_role_the_latest_first():
    calls = []
    with Hooks(Role.CHANGES) as changes, Hooks(Role.WATCHES) as watches:
        for hooks, name in ((watches, "w1"), (changes, "c1"), (watches, "w2"), (changes, "c2")):
            hooks.around(Base, "step", noting(calls, name))
        Base().step(1)
    assert calls == ["c2", "c1", "w2", "w1"]


def test_hooks_may_be_undone_in_any_order():
    calls = []
    first, second = Hooks(Role.WATCHES), Hooks(Role.CHANGES)
    first.around(Base, "step", noting(calls, "first"))
    second.around(Base, "step", noting(calls, "second"))
    first.close()
    Base().step(1)
    second.close()
    Base().step(1)
    assert calls == ["second"]


def test_closing_twice_and_the_same_hook_twice():
    calls = []
    hooks, make = Hooks(Role.WATCHES), noting(calls, "seen")
    hooks.around(Base, "step", make)
    hooks.around(Base, "step", make)
    Base().step(1)
    hooks.close()
    hooks.close()
    Base().step(1)
    assert calls == ["seen", "seen"]


def test_hooks_that_are_closed_can_be_used_again():
    calls = []
    hooks = Hooks(Role.WATCHES)
    for _ in range(2):
        hooks.around(Base, "step", noting(calls, "seen"))
        Base().step(1)
        hooks.close()
    assert calls == ["seen", "seen"]


def test_an_exception_of_the_training_leaves_everything_as_it_was():
    def make(below):
        def hook(*args, **kwargs):
            below(*args, **kwargs)
            raise KeyError("in the middle")

        return hook

    def train():
        with Hooks(Role.CHANGES) as hooks:
            hooks.around(Base, "step", make)
            Base().step(1)

    with pytest.raises(KeyError):
        train()


def test_a_hook_that_cannot_be_made_or_has_nothing_to_stand_before_changes_nothing():
    def fails(below):
        raise ZeroDivisionError

    calls = []
    with Hooks(Role.WATCHES) as hooks:
        hooks.around(Base, "step", noting(calls, "seen"))
        with pytest.raises(ZeroDivisionError):
            hooks.around(Base, "step", fails)
        with pytest.raises(ZeroDivisionError):
            hooks.around(Heir, "step", fails)
        with pytest.raises(AttributeError, match="walk"):
            hooks.around(Base, "walk", noting(calls, "never"))
        Heir().step(1)
    assert calls == ["seen"]


def test_name_signature_and_what_is_wrapped_are_those_of_the_original():
    raw = vars(Base)["step"]
    with Hooks(Role.WATCHES) as hooks:
        hooks.around(Base, "step", noting([], "seen"))
        hooks.around(Base, "step", noting([], "seen"))
        assert inspect.signature(Base.step) == inspect.signature(raw)
        assert Base.step.__wrapped__ is raw
        assert (Base.step.__name__, Base.step.__doc__) == ("step", "Step.")


def test_a_class_that_overrides_comes_to_the_hook_of_its_base_through_super():
    calls = []
    with Hooks(Role.WATCHES) as hooks:
        hooks.around(Base, "step", noting(calls, "base"))
        assert Overrides().step(1) == ("overrides", ("base", 1, 1))
        hooks.around(Overrides, "step", noting(calls, "overrides"))
        Overrides().step(1)
    assert calls == ["base", "overrides", "base"]


def test_a_hook_on_a_class_that_inherits_leaves_its_base_alone_and_sees_what_is_hooked_there_later():
    calls = []
    with Hooks(Role.WATCHES) as heir, Hooks(Role.WATCHES) as base:
        heir.around(Heir, "step", noting(calls, "heir"))
        Base().step(1)
        base.around(Base, "step", noting(calls, "base"))
        Heir().step(1)
        base.close()
        Heir().step(1)
    assert calls == ["heir", "base", "heir"]


def test_a_hook_on_an_object_is_called_before_those_on_its_class_and_sees_no_other_object():
    calls, one = [], Base()
    with Hooks(Role.WATCHES) as hooks, Hooks(Role.CHANGES) as changes:
        hooks.around(one, "step", noting(calls, "object"))
        changes.around(Base, "step", noting(calls, "class"))
        one.step(1)
        Base().step(1)
    assert calls == ["object", "class", "class"]
    assert vars(one) == {}


def test_an_object_that_forwards_to_another_one_can_be_hooked():
    class Forwards:
        def __init__(self, inner):
            self.inner = inner

        def __getattr__(self, name):
            return getattr(self.inner, name)

    calls, outer = [], Forwards(Base())
    with Hooks(Role.WATCHES) as hooks:
        hooks.around(outer, "step", noting(calls, "seen"))
        assert outer.step(3) == ("base", 3, 1)
    assert calls == ["seen"]
    assert set(vars(outer)) == {"inner"}


def test_a_function_of_a_module_is_put_back():
    def function(x):
        return x

    module = types.ModuleType("mine")
    module.function = function
    with Hooks(Role.CHANGES) as hooks:
        hooks.around(module, "function", lambda below: lambda x: below(x) + 1)
        assert module.function(1) == 2
    assert module.function is function


def test_a_wrapper_that_the_program_has_put_over_a_hook_stays_and_comes_to_the_original():
    calls = []
    one = Base()
    hooks = Hooks(Role.WATCHES)
    hooks.around(one, "step", noting(calls, "seen"))
    ours = one.step
    one.step = lambda *args: ("theirs", ours(*args))
    one.step(1)
    hooks.close()
    assert one.step(1) == ("theirs", ("base", 1, 1))
    with Hooks(Role.WATCHES) as again:
        again.around(one, "step", noting(calls, "again"))
        assert one.step(1) == ("theirs", ("base", 1, 1))
    assert calls == ["seen", "again"]


def test_two_users_hook_one_function_in_all_modules_that_have_it(monkeypatch):
    def function(x):
        return x

    modules = [types.ModuleType(f"hooked_{number}") for number in range(2)]
    for module in modules:
        module.function = function
        monkeypatch.setitem(sys.modules, module.__name__, module)
    calls = []
    with Hooks(Role.CHANGES) as hooks:
        around_function(hooks, modules[0].function, noting(calls, "first"))
        around_function(hooks, modules[0].function, noting(calls, "second"))  # as it is now
        around_function(hooks, function, noting(calls, "third"))  # as it was
        modules[1].late = function
        around_function(hooks, function, noting(calls, "fourth"))
        assert [module.function(1) for module in modules] == [1, 1]
        assert calls == ["fourth", "third", "second", "first"] * 2
        modules[1].late(1)
        assert calls[8:] == ["fourth"]
    assert [module.function for module in modules] == [function] * 2


def test_methods_that_modules_hold_as_functions_are_hooked(monkeypatch):
    module = types.ModuleType("holder")
    module.seed = random.Random(0).seed  # as `random.seed` is
    monkeypatch.setitem(sys.modules, "holder", module)
    seen = []
    with Hooks(Role.CHANGES) as hooks:
        around_function(hooks, module.seed, lambda below: lambda *args: (seen.append(args), below(*args)))
        module.seed(3)
    module.seed(4)
    assert seen == [(3,)]
