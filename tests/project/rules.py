"""Our own rules over the syntax trees of the package: what must never be written."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src/hidamari"

SQL_CALLS = frozenset({"execute", "executemany", "executescript"})
SQL_WORDS = re.compile(
    r"\bselect\b.*\bfrom\b|\binsert (or \w+ )?into\b|\bdelete from\b|\bupdate \w+ set\b"
    r"|\border by\b|\b(and|where) \w+ [=<>]+ \?",
    re.IGNORECASE | re.DOTALL,
)
# Loaders that run code of whoever wrote the input, or that follow names written inside it.
UNSAFE_MODULES = frozenset({"pickle", "marshal", "shelve", "dill", "tarfile", "zipfile", "yaml"})
CLOCK_CALLS = frozenset(
    {
        ("time", name)
        for name in ("time", "time_ns", "monotonic", "monotonic_ns", "localtime", "gmtime")
    }
    | {("datetime", name) for name in ("now", "utcnow", "today")}
    | {("date", "today")}
)
WRITING_MODES = frozenset("wax+")
PATH_WRITERS = frozenset({"write_text", "write_bytes"})


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken rule: which one, where."""

    rule: str
    module: str  # relative to the package, such as "store/db.py"
    line: int


Rule = Callable[[ast.AST], bool]


def dotted(node: ast.AST) -> tuple[str, str]:
    """The last two names of `a.b.c` as ("b", "c"); empty where there is none."""
    if isinstance(node, ast.Name):
        return "", node.id
    if isinstance(node, ast.Attribute):
        return dotted(node.value)[1], node.attr
    return "", ""


def called(node: ast.AST) -> tuple[str, str]:
    """As `dotted`, of the function that a call names."""
    return dotted(node.func) if isinstance(node, ast.Call) else ("", "")


def runs_a_shell(node: ast.AST) -> bool:
    """`shell=` with anything but False, os.system, os.popen."""
    if not isinstance(node, ast.Call):
        return False
    if called(node) in {("os", "system"), ("os", "popen")}:
        return True
    return any(
        word.arg == "shell" and not (isinstance(word.value, ast.Constant) and not word.value.value)
        for word in node.keywords
    )


def builds_sql(node: ast.AST) -> bool:
    """A statement put together from strings at run time, in an execute call or before it."""
    if isinstance(node, ast.Call) and called(node)[1] in SQL_CALLS and node.args:
        return is_built(node.args[0])
    return is_built(node) and bool(SQL_WORDS.search(text_of(node)))


def text_of(node: ast.AST) -> str:
    """All fixed text under a node."""
    parts = (part.value for part in ast.walk(node) if isinstance(part, ast.Constant))
    return " ".join(part for part in parts if isinstance(part, str))


def is_built(node: ast.AST) -> bool:
    """An f-string, a sum or a % of strings, or str.format / str.join."""
    if isinstance(node, ast.JoinedStr):
        return True
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
        return True
    return called(node)[1] in {"format", "join", "replace"}


def loads_foreign_code(node: ast.AST) -> bool:
    """Modules that trust their input, and eval, exec, compile."""
    if isinstance(node, ast.Import):
        return any(name.name.split(".")[0] in UNSAFE_MODULES for name in node.names)
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").split(".")[0] in UNSAFE_MODULES
    return called(node) in {("", "eval"), ("", "exec"), ("", "compile")}


def reads_the_clock(node: ast.AST) -> bool:
    """The machine's clock asked directly."""
    return called(node) in CLOCK_CALLS


def writes_a_file(node: ast.AST) -> bool:
    """A file opened for writing, by any of the usual ways."""
    if not isinstance(node, ast.Call):
        return False
    owner, name = called(node)
    if name in PATH_WRITERS:
        return True
    if (owner, name) == ("os", "open"):
        flags = {dotted(part)[1] for part in ast.walk(node)}
        return bool(flags & {"O_WRONLY", "O_RDWR", "O_CREAT"})
    return name in {"open", "fdopen"} and any(letter in WRITING_MODES for letter in mode_of(node))


def mode_of(node: ast.Call) -> str:
    """The mode of an open call, "" when it is the default or not an open of files."""
    for word in node.keywords:
        if word.arg == "mode" and isinstance(word.value, ast.Constant):
            return str(word.value.value)
    owner, _ = called(node)
    is_path = isinstance(node.func, ast.Attribute) and owner not in {"io", "os", "gzip"}
    place = 0 if is_path else 1
    if len(node.args) > place:
        given = node.args[place]
        if isinstance(given, ast.Constant) and isinstance(given.value, str):
            return given.value if set(given.value) <= set("rwaxbt+") else ""
    return ""


def catches_everything(node: ast.AST) -> bool:
    """`except Exception`, which hides mistakes; BaseException that is raised again is fine."""
    if not isinstance(node, ast.ExceptHandler):
        return False
    names = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    wide = {dotted(name)[1] if name else "BaseException" for name in names}
    if "Exception" in wide:
        return True
    return "BaseException" in wide and not any(isinstance(x, ast.Raise) for x in ast.walk(node))


RULES: dict[str, Rule] = {
    "no shell": runs_a_shell,
    "no SQL from strings": builds_sql,
    "no loader that trusts its input": loads_foreign_code,
    "only core.clock reads the clock": reads_the_clock,
    "only store.files writes files": writes_a_file,
    "only supervise catches everything": catches_everything,
}


def findings(source: str, module: str) -> Iterator[Finding]:
    """Every broken rule of one module."""
    for node in ast.walk(ast.parse(source)):
        for name, rule in RULES.items():
            if rule(node):
                yield Finding(name, module, getattr(node, "lineno", 0))


def modules() -> list[Path]:
    """All modules of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def all_findings() -> list[Finding]:
    """Every broken rule of the package."""
    return [
        found
        for path in modules()
        for found in findings(path.read_text(), path.relative_to(PACKAGE).as_posix())
    ]
