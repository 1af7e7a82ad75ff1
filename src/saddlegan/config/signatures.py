"""Constructor signatures read from source text, so that checking a configuration imports nothing.

`saddlegan.methods.gan.GAN` and `torch.optim.Adam` alike are followed from file to file through their `from ... import`
statements, and through base classes where a constructor passes `**kwargs` on.
"""

import ast
import builtins
import contextlib
import functools
import importlib.util
import typing
from pathlib import Path
from types import NoneType
from typing import Any, NamedTuple

from saddlegan import checks


class Argument(NamedTuple):
    annotation: Any
    required: bool


@functools.cache
def signature_of(target: str) -> dict[str, Argument] | None:
    """The arguments of the class or function at a dotted path; None where no source can be read.

    Raises `ConfigError` where the package, the module or the name does not exist.
    """
    path, node = defined(target)
    if isinstance(node, ast.FunctionDef):
        return _arguments(node)
    if not isinstance(node, ast.ClassDef) or path is None:
        return None
    init = _member(node, "__init__")
    own = _arguments(init) if isinstance(init, ast.FunctionDef) else {}
    if init is None or (isinstance(init, ast.FunctionDef) and init.args.kwarg):
        for base in node.bases:
            with contextlib.suppress(checks.ConfigError):  # a base that a library hides, by `import *` say
                inherited = signature_of(_absolute(ast.unparse(base), path, target)) or {}
                own = {name: arg for name, arg in inherited.items() if name not in _passed_on(init)} | own
    return own


def _passed_on(init: ast.AST | None) -> set[str]:
    """The names that a constructor itself gives to its base's."""
    calls = (node for node in ast.walk(init) if isinstance(node, ast.Call)) if init else ()
    return {
        keyword.arg for call in calls if ast.unparse(call.func) == "super().__init__" for keyword in call.keywords
    } - {None}  # type: ignore[return-value]


@functools.cache
def class_attribute(target: str, name: str) -> Any:
    """The literal value of a class attribute, its own or inherited; None where it has none."""
    path, node = defined(target)
    if not isinstance(node, ast.ClassDef) or path is None:
        return None
    if (value := _own(node, name)) is not None:
        return value
    for base in node.bases:
        with contextlib.suppress(checks.ConfigError):
            if (value := class_attribute(_absolute(ast.unparse(base), path, target), name)) is not None:
                return value
    return None


@functools.cache
def gathered(target: str, name: str) -> tuple[Any, ...]:
    """The literal sequences that a class and its bases give an attribute, one after the other."""
    path, node = defined(target)
    if not isinstance(node, ast.ClassDef) or path is None:
        return ()
    found = tuple(_own(node, name) or ())
    for base in node.bases:
        with contextlib.suppress(checks.ConfigError):
            found += gathered(_absolute(ast.unparse(base), path, target), name)
    return found


def _own(node: ast.ClassDef, name: str) -> Any:
    """The literal that a class itself gives an attribute."""
    for statement in node.body:
        value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
        if value is not None and name in (ast.unparse(target) for target in _targets(statement)):
            with contextlib.suppress(ValueError):  # an expression, which only the interpreter can read
                return ast.literal_eval(value)
    return None


@functools.cache
def decoration(target: str, name: str) -> dict[str, Any] | None:
    """The literal arguments of the decorator `name` on the function at a dotted path, a first one without a name as
    `name`; None where it has no such decorator. Raises `ConfigError` where there is no such function."""
    _, node = defined(target)
    for call in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
        if isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] == name:
            first = {"name": ast.literal_eval(call.args[0])} if call.args else {}
            return first | {word.arg: ast.literal_eval(word.value) for word in call.keywords if word.arg}
    return None


def _targets(statement: ast.stmt) -> list[ast.expr]:
    return [statement.target] if isinstance(statement, ast.AnnAssign) else getattr(statement, "targets", [])


def _arguments(function: ast.FunctionDef) -> dict[str, Argument]:
    positional = [*function.args.posonlyargs, *function.args.args]
    if positional and positional[0].arg == "self":
        positional = positional[1:]
    optional = (
        {arg.arg for arg in positional[len(positional) - len(function.args.defaults) :]}
        if function.args.defaults
        else set()
    )
    optional |= {
        arg.arg for arg, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True) if default
    }
    return {
        arg.arg: Argument(_annotation(arg.annotation), arg.arg not in optional)
        for arg in (*positional, *function.args.kwonlyargs)
    }


def _annotation(node: ast.expr | None) -> Any:
    """The annotation's value where it is made of names of `checks`, typing and builtins, else None (not judged).

    A union is judged by those of its alternatives, a tuple by those of its items, that can be read.
    """
    if node is None:
        return None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        sides = [side for side in map(_annotation, (node.left, node.right)) if side is not None]
        return functools.reduce(lambda a, b: a | b, sides) if sides else None
    if isinstance(node, ast.Constant) and node.value is None:
        return NoneType
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "tuple" and isinstance(node.slice, ast.Tuple):
        items = [_annotation(item) for item in node.slice.elts]
        return tuple[tuple(Any if item is None else item for item in items)]
    try:
        return eval(ast.unparse(node), {**vars(builtins), **vars(typing), **vars(checks)})
    except (NameError, AttributeError, TypeError, SyntaxError):
        return None


def defined(target: str) -> tuple[Path | None, ast.AST | None]:
    """The file and the syntax node in which a dotted path is defined, also where it is imported elsewhere; without
    importing it. Raises `ConfigError` where there is none."""
    module, _, name = target.rpartition(".")
    path = _module_file(module, target)
    if path is None or path.suffix != ".py":
        return None, None
    tree = _parse(path)
    node = _member(tree, name)
    if node is not None:
        return path, node
    origin = _absolute(name, path, module + ".")
    if origin != target and origin != module + "." + name:
        return defined(origin)
    options = [n.name for n in tree.body if isinstance(n, ast.ClassDef | ast.FunctionDef)]
    raise checks.ConfigError(f"_target_={target}: {module} has no '{name}'.{checks.nearest(name, options)}")


def _module_file(module: str, target: str) -> Path | None:
    """The file of a module, found without importing its parents (which may take seconds)."""
    top, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(top) if top else None
    except ValueError:  # no name that a module can have
        spec = None
    if spec is None:
        raise checks.ConfigError(
            f"_target_={checks.shown(target)}: got no package '{checks.shown(top)}', expected the full name of a class,"
            " package.module.Class. Remedy: install it, or put its folder in PYTHONPATH."
        )
    if spec.submodule_search_locations is None:
        return Path(spec.origin) if spec.origin and not rest else None
    folders = [Path(place).joinpath(*rest) for place in spec.submodule_search_locations]  # several: without __init__.py
    for candidate in (file for folder in folders for file in (folder / "__init__.py", folder.with_suffix(".py"))):
        if candidate.is_file():
            return candidate
    folder = folders[0]
    siblings = [p.stem for p in folder.parent.glob("*.py")] if folder.parent.is_dir() else []
    raise checks.ConfigError(
        f"_target_={target}: there is no module '{module}'.{checks.nearest(folder.name, siblings)}"
    )


@functools.cache
def _parse(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError, OSError) as error:
        raise checks.ConfigError(f"{path}: got a file that is no Python ({error}). Remedy: mend it.") from None


def _member(tree: ast.Module | ast.ClassDef, name: str) -> ast.ClassDef | ast.FunctionDef | None:
    named = (node for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name)
    return next(named, None)


def _absolute(name: str, path: Path, target: str) -> str:
    """The dotted path that `name` stands for in the file at `path`, which belongs to the module of `target`."""
    module = target.rpartition(".")[0]
    head, _, tail = name.partition(".")
    for node in ast.walk(_parse(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if (alias.asname or alias.name.partition(".")[0]) == head:
                    return f"{alias.name if alias.asname else head}.{tail}".rstrip(".")
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == head:
                    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
                    base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
                    return ".".join(filter(None, [*base, node.module, alias.name, tail]))
    return f"{module}.{name}"


def first_arguments(path: Path, name: str) -> list[Any]:
    """The literal first argument of each call of `name` in a file."""
    calls = (node for node in ast.walk(_parse(path)) if isinstance(node, ast.Call) and ast.unparse(node.func) == name)
    return [call.args[0].value for call in calls if call.args and isinstance(call.args[0], ast.Constant)]
