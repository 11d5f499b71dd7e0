"""Reads units out of names: what may be added, and which numbers lack a unit."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

UNIT = re.compile(r"(?:^|_)(yen_kwh|kwh|kw|kva|wh|w|yen|pct|c|l|v|a|h|s)$")
BARE = re.compile(r"(?:^|_)(power|energy|price|powers|energies|prices)$")
NUMBERS = frozenset({"float", "int", "FloatArray", "NDArray", "ndarray", "float64"})
BUILDERS = frozenset({"float", "int", "sum", "min", "max", "abs", "round"})
CONTAINERS = frozenset(
    {"None", "list", "tuple", "dict", "set", "Mapping", "Sequence", "Iterable", "Iterator"}
)
WIRE = re.compile(r"_(w|wh)$")


@dataclass(frozen=True, slots=True)
class Place:
    """A line that breaks the rule of names."""

    line: int
    text: str


def unit(node: ast.AST) -> str | None:
    """The unit that an expression's name tells, None where it tells none."""
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in BUILDERS and node.args:
            return unit(node.args[0])
        return unit(node.func)
    if isinstance(node, ast.Subscript):
        return unit(node.value)
    if isinstance(node, ast.UnaryOp):
        return unit(node.operand)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        return unit(node.left) or unit(node.right)
    found = UNIT.search(name_of(node).lower())
    return found[1] if found else None


def name_of(node: ast.AST) -> str:
    """The name a node stands for, "" where it has none."""
    for field in ("id", "attr", "arg", "name"):
        name = getattr(node, field, None)
        if isinstance(name, str):
            return name
    return ""


def mixed(tree: ast.AST) -> Iterator[Place]:
    """Sums, comparisons, assignments and arguments of different units."""
    for node in ast.walk(tree):
        if len({found for part in side_by_side(node) if (found := unit(part))}) > 1:
            yield Place(getattr(node, "lineno", 0), ast.unparse(node))


def side_by_side(node: ast.AST) -> list[ast.AST]:
    """The parts of a node that must be of one unit."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        return [node.left, node.right]
    if isinstance(node, ast.Compare):
        return [node.left, *node.comparators]
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add | ast.Sub):
        return [node.target, node.value]
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        return [node.targets[0], node.value]
    if isinstance(node, ast.keyword) and node.arg:
        return [node, node.value]
    if isinstance(node, ast.Call) and name_of(node.func) in {"min", "max"}:
        return [*node.args]
    return []


def without_unit(tree: ast.AST) -> Iterator[Place]:
    """Numbers called power, energy or price that do not say their unit."""
    for node in ast.walk(tree):
        for name, is_one in named(node):
            if BARE.search(name) and is_one():
                yield Place(getattr(node, "lineno", 0), name)


def named(node: ast.AST) -> Iterator[tuple[str, Callable[[], bool]]]:
    """The names a node gives, and whether what they hold is known to be a number."""
    if isinstance(node, ast.arg):
        yield node.arg, lambda: is_numeric(node.annotation)
    elif isinstance(node, ast.AnnAssign):
        yield name_of(node.target), lambda: is_numeric(node.annotation)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield node.name, lambda: is_numeric(node.returns)
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            yield name_of(target), lambda: makes_number(node.value)


def is_numeric(annotation: ast.AST | None) -> bool:
    """Whether an annotation says nothing but numbers, alone or in plain containers."""
    if annotation is None:
        return False
    names = {name_of(part) for part in ast.walk(annotation)} - {"", "np", "numpy"}
    return bool(names & NUMBERS) and names <= NUMBERS | CONTAINERS


def makes_number(value: ast.AST) -> bool:
    """Whether an expression is a number at sight: a literal, arithmetic, float()."""
    if isinstance(value, ast.UnaryOp):
        return makes_number(value.operand)
    if isinstance(value, ast.Constant):
        return isinstance(value.value, int | float) and not isinstance(value.value, bool)
    if isinstance(value, ast.BinOp):
        return isinstance(value.op, ast.Mult | ast.Div | ast.Sub) or makes_number(value.left)
    return isinstance(value, ast.Call) and name_of(value.func) in BUILDERS


def wire_names(tree: ast.AST) -> set[str]:
    """Names in watts or watt-hours."""
    names = (name_of(node) for node in ast.walk(tree) if isinstance(node, ast.Name | ast.Attribute))
    return {name for name in names if WIRE.search(name)}
