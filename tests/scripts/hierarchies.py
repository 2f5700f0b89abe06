"""Make random hierarchies of subclasses, each beside the same hierarchy over a plain Python class, and compare every
call.

Classes override methods, take them from other classes, switch them off and have mixins.  Before and after a class is
made, its bases are patched and attributes are deleted.  Some are made a second time, as `dataclass(slots=True)` does.

python tests/scripts/hierarchies.py --hierarchies 50000
python tests/scripts/hierarchies.py --seed 1234 --hierarchies 1     # shows the steps, if they differ
"""

import argparse
import random
import sys
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parents[1]))

import fastcounter
from fastcounter import compat
from helpers import COMPAT, instance_of, name_of

MAPS = [fastcounter.CounterMap, fastcounter.SharedCounterMap]


# ---- Plain classes, with the methods of the compiled ones ----


class PlainMethods:
    """The methods of counters: what plain_class() puts into a class of its own."""

    def increment(self):
        self.count += 1

    def decrement(self):
        self.count -= 1

    def add(self, amount):
        self.count += amount

    def reset(self):
        before, self.count = self.count, 0
        return before

    def increment_and_get(self):
        self.count += 1
        return self.count

    def add_and_get(self, amount):
        self.count += amount
        return self.count

    def get_value(self):
        return self.count

    def set_value(self, value):
        self.count = value


class PlainMapMethods:
    """Methods of maps, for one label."""

    def increment(self, label):
        self.count += 1

    def decrement(self, label):
        self.count -= 1

    def add(self, label, amount):
        self.count += amount

    def reset(self):
        before, self.count = self.count, 0
        return {"label": before} if before else {}

    def total(self):
        return self.count

    def get(self, label, default=None):
        return self.count or default


def plain_class(compiled):
    """Make a plain class with the public methods and the attribute `value` of a compiled class."""
    methods = PlainMapMethods if compiled in MAPS else PlainMethods
    shown = [name for name in vars(methods) if not name.startswith("_")]
    body = {name: getattr(methods, name) for name in shown if hasattr(compiled, name)}

    def __init__(self):
        self.count = 0

    def __setattr__(self, name, value):  # a method `value` of the class itself cannot be assigned
        if name == "value" and find(type(self), "value") is methods.get_value:
            raise AttributeError
        object.__setattr__(self, name, value)

    body |= {"__slots__": ("count",), "__init__": __init__}
    if compiled in COMPAT:
        body["increment"] = lambda self, num_steps=1: methods.add(self, num_steps)
        body["decrement"] = lambda self, num_steps=1: methods.add(self, -num_steps)
    if callable(getattr(compiled, "value", None)):
        body |= {"value": methods.get_value, "__setattr__": __setattr__}
    elif compiled is compat.FastWriteCounter:
        body["value"] = property(methods.get_value)
    elif hasattr(compiled, "value"):
        body["value"] = property(methods.get_value, methods.set_value)
    return type(compiled.__name__, (), body)


def find(cls, name):
    """Return what the classes of the method resolution order define under a name, without calling a descriptor."""
    return next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)


ROOTS = [getattr(module, name) for module in (fastcounter, compat) for name in module.__all__]
PLAIN = {root: plain_class(root) for root in ROOTS}
AMOUNTS = {"add": (3,), "add_and_get": (3,)}  # the arguments for counters
LABELS = {"increment": ("label",), "decrement": ("label",), "add": ("label", 3), "get": ("label",)}  # those for maps


def make(cls):
    return cls(size=8192) if issubclass(cls, fastcounter.SharedCounterMap) else instance_of(cls)


def count_of(counter):
    for root in MAPS:
        if isinstance(counter, root):
            return root.total(counter)
    return counter.count if hasattr(type(counter), "count") else int(counter)


# ---- Hierarchies ----


class Difference(Exception):
    """The two hierarchies differ."""


def attempt(call, *pairs):
    """Call for both hierarchies.  Return twice what it returns and the type of what it raises; one of them is None."""
    results = []
    for arguments in zip(*pairs, strict=True):
        try:
            results.append((call(*arguments), None))
        except Exception as error:
            results.append((None, type(error)))
    return results


class Hierarchy:
    """Pairs of a class of counters and a plain class, and the steps that made them."""

    def __init__(self, root, seed):
        self.random = random.Random(seed)
        self.root = root
        self.counters = [(root, PLAIN[root])]
        self.mixins = []
        self.steps = []
        public = [name for name in vars(PLAIN[root]) if not name.startswith("_") and name != "count"]
        self.names = self.random.sample(sorted(public), 3)  # few, so that classes meet on them
        self.arguments = LABELS if root in MAPS else AMOUNTS

    def run(self):
        for number in range(self.random.randint(3, 8)):
            self.make_class(f"C{number}")
            if self.random.random() < 0.2:
                self.change_class()
        self.compare()
        for _ in range(self.random.randint(0, 4)):
            self.change_class()
            self.compare()

    def both(self, step, call, *pairs):
        """Call for both.  Return the pair of what that returns, or None if both raise the same."""
        self.steps.append(step)
        (ours, error), (plain, plain_error) = attempt(call, *pairs)
        if error is not plain_error:
            raise Difference(f"{step}: {error}, and a plain class's {plain_error}")
        return None if error else (ours, plain)

    # ---- Making classes ----

    def make_class(self, name):
        is_mixin = self.random.random() < 0.25
        bases = self.bases(is_mixin)
        attributes = [self.attribute(name, each) for each in self.names if self.random.random() < 0.35]
        slots = {"__slots__": ()} if self.random.random() < 0.2 else {}
        step = f"class {name}({names(bases)}): {'; '.join(text for text, _, _ in attributes)}"
        both_bases = list(zip(*bases, strict=True)) if bases else [(), ()]
        bodies = [slots | {each: values[side] for _, each, values in attributes} for side in (0, 1)]
        made = self.both(step, lambda bases, body: type(name, bases, body), both_bases, bodies)
        if made and self.random.random() < 0.1:
            made = self.both(f"make {name} again", make_again, made)
        if made:
            for _, _, values in attributes:
                tell_class(made, values)
            (self.mixins if is_mixin else self.counters).append(made)

    def bases(self, is_mixin):
        if is_mixin:
            return self.random.sample(self.mixins, min(len(self.mixins), self.random.choice((0, 0, 1, 2))))
        counters = self.random.sample(self.counters, min(len(self.counters), self.random.choice((1, 1, 1, 2, 2, 3))))
        mixins = self.random.sample(self.mixins, min(len(self.mixins), self.random.choice((0, 0, 1))))
        return self.random.sample(counters + mixins, len(counters + mixins))

    def attribute(self, owner, name, is_body=True):
        """Return a text, the name and the pair of values of an attribute that a class gets."""
        kind = self.random.random()
        # A method of a subclass takes only its instances, where it is set after a class is made.
        others = self.counters + self.mixins if is_body else self.counters[:1]
        other, source = self.random.choice(others), self.random.choice(self.names)
        if kind < 0.3 and all(hasattr(each, source) for each in other):
            return f"{name} = {other[0].__name__}.{source}", name, tuple(getattr(each, source) for each in other)
        if kind < 0.35:
            return f"{name} = None", name, (None, None)
        tag = f"{owner}.{name}#{len(self.steps)}"
        if kind < 0.4:
            both = property(lambda self: tag)
            return f"property {name}", name, (both, both)
        return f"def {name}", name, (override(tag, name), override(tag, name))

    # ---- Changing classes ----

    def change_class(self):
        """Change an attribute of a class, or delete one.  A mixin gets none that it has not had."""
        pairs = self.counters[1:] + self.mixins
        if not pairs:
            return
        pair = self.random.choice(pairs)
        own = [name for name in self.names if name in vars(pair[1])]
        kind = self.random.random()
        if kind < 0.3 and own:
            name = self.random.choice(own)
            self.both(f"del {pair[0].__name__}.{name}", delattr, pair, (name, name))
            return
        choice = own if pair in self.mixins else self.names
        if not choice:
            return
        name = self.random.choice(choice)
        if kind < 0.5:
            self.patch(pair, name)
            return
        text, _, values = self.attribute(pair[0].__name__, name, is_body=False)
        self.both(f"{pair[0].__name__}: {text}, from now on", setattr, pair, (name, name), values)
        tell_class(pair, values)

    def patch(self, pair, name):
        self.steps.append(f"while mock.patch.object({pair[0].__name__}, {name!r})")
        patches = [mock.patch.object(each, name, new=patched) for each in pair]
        entered = self.both("patch", lambda patch: patch.__enter__(), patches)
        if entered:
            self.compare()
            self.both("put back", lambda patch: patch.__exit__(None, None, None), patches)

    # ---- Comparing ----

    def compare(self):
        for pair in self.counters[1:]:
            for name in self.names:
                self.probe(pair, name, "call", lambda cls, name=name: self.call(cls, name))
                self.probe(pair, name, "call on the class", lambda cls, name=name: self.call_on_class(cls, name))
            if "value" in self.names:
                self.probe(pair, "value", "assign", assign)

    def probe(self, pair, name, how, call):
        ours, plain = attempt(call, pair)
        if ours != plain:
            order = ", ".join(cls.__name__ for cls in pair[0].__mro__)
            raise Difference(f"{how} {pair[0].__name__}.{name} ({order}): {ours}, and a plain class's {plain}")

    def call(self, cls, name):
        counter = make(cls)
        attribute = getattr(counter, name)
        result = attribute(*self.arguments.get(name, ())) if callable(attribute) else attribute
        return result, count_of(counter)

    def call_on_class(self, cls, name):
        counter = make(cls)
        attribute = getattr(cls, name)
        result = attribute(counter, *self.arguments.get(name, ())) if callable(attribute) else None
        return result, count_of(counter)


def names(pairs):
    return ", ".join(pair[0].__name__ for pair in pairs)


def override(tag, name):
    """Make a method that calls the next one of that name, and returns what that returns with the tag."""
    holder = {}

    def method(self, *args):
        inherited = getattr(super(holder["class"], self), name, "nothing")
        return tag, inherited(*args) if callable(inherited) else inherited

    method.holder = holder
    return method


def tell_class(pair, functions):
    """Tell override()'s functions which class they belong to, unless they belong to one."""
    for cls, function in zip(pair, functions, strict=True):
        if hasattr(function, "holder"):
            function.holder.setdefault("class", cls)


def patched(*args):
    return "patched"


def make_again(cls):
    """Make a class from the attributes of a class, as `dataclass(slots=True)` and attrs do."""
    body = {name: value for name, value in vars(cls).items() if name not in ("__dict__", "__weakref__")}
    return type(cls.__name__, cls.__bases__, body)


def assign(cls):
    counter = make(cls)
    counter.value = 7
    return count_of(counter), getattr(counter, "__dict__", {}).get("value")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hierarchies", type=int, default=2000, help="how many (default: 2000)")
    parser.add_argument("--seed", type=int, default=0, help="of the first one (default: 0)")
    args = parser.parse_args()
    different = []
    for seed in range(args.seed, args.seed + args.hierarchies):
        root = ROOTS[seed % len(ROOTS)]
        hierarchy = Hierarchy(root, seed)
        try:
            hierarchy.run()
        except Difference as difference:
            different.append(seed)
            if len(different) == 1:
                print(f"--seed {seed}, {name_of(root)}:", *hierarchy.steps, difference, sep="\n    ")
    print(f"{len(different)} of {args.hierarchies} hierarchies differ; seeds: {different[:20]}")
    sys.exit(bool(different))


if __name__ == "__main__":
    main()
