"""What no linter checks for us: that files, functions and names stay small and honest."""

import ast
from collections.abc import Collection, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted(ROOT.glob("src/**/*.py"))
TESTS = sorted(ROOT.glob("tests/**/*.py"))
LOCKS = sorted(ROOT.glob("requirements/*.txt"))
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
VAGUE_NAMES = {"base", "common", "helpers", "manager", "misc", "util", "utils"}


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=short)
def test_source_is_tidy(path: Path) -> None:
    assert list(untidy(path.stem, path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("path", TESTS, ids=short)
def test_a_test_neither_sleeps_nor_mocks_nor_tries_again(path: Path) -> None:
    assert list(dishonest(path.read_text(encoding="utf-8"))) == []


def test_modules_do_not_import_in_circles() -> None:
    sources = {module_name(path): path.read_text(encoding="utf-8") for path in SOURCES}
    assert circle(sources) == []


@pytest.mark.parametrize("path", LOCKS, ids=short)
def test_a_lock_names_versions_and_hashes_and_no_place_to_fetch_them_from(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if "/" in line or line.startswith("-") or " @ " in line] == []


@pytest.mark.parametrize(
    ("stem", "text", "breach"),
    [
        ("long", "x = 1\n" * (FILE_LINES_MAX + 1), "401 lines: find the second module in here"),
        ("utils", "", "utils says nothing: name it for what it knows"),
        ("count", "def more():\n    global n\n    n = 1\n", "line 2: global state"),
        ("wait", "async def wait():" + "\n    0" * FUNCTION_LINES_MAX, "wait has 61 lines"),
        ("hush", "try:\n    f()\nexcept OSError:\n    pass\n", "line 3: an error is swallowed"),
        ("hush", "try:\n    f()\nexcept OSError:\n    ...\n", "line 3: an error is swallowed"),
    ],
)
def test_an_untidy_source_is_found(stem: str, text: str, breach: str) -> None:
    assert list(untidy(stem, text)) == [breach]


@pytest.mark.parametrize(
    "text",
    [
        "nap = time.sleep",
        "from time import sleep",
        "from unittest import mock",
        "patch.setattr(clock, 'now', lambda: 0)",
        "again = test.mark.flaky",
    ],
)
def test_a_dishonest_test_is_found(text: str) -> None:
    assert len(list(dishonest(text))) == 1


def test_a_circle_is_found_and_an_import_inside_a_function_is_none() -> None:
    there, back = "from jackline.b import c", "import jackline.a"
    assert set(circle({"jackline.a": there, "jackline.b": back})) == {"jackline.a", "jackline.b"}
    assert circle({"jackline.a": there, "jackline.b": f"def late():\n    {back}"}) == []


def untidy(stem: str, text: str) -> Iterator[str]:
    lines = text.count("\n")
    if lines > FILE_LINES_MAX:
        yield f"{lines} lines: find the second module in here"
    if stem.strip("_") in VAGUE_NAMES:
        yield f"{stem} says nothing: name it for what it knows"
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Global(lineno=line):
                yield f"line {line}: global state"
            case ast.ExceptHandler(lineno=line, body=body) if all(map(is_empty, body)):
                yield f"line {line}: an error is swallowed"
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES_MAX:
                    yield f"{node.name} has {length} lines"
            case _:
                continue


def is_empty(statement: ast.stmt) -> bool:
    match statement:
        case ast.Pass() | ast.Expr(value=ast.Constant()):
            return True
        case _:
            return False


def dishonest(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Attribute(value=ast.Name(id="time"), attr="sleep"):
                yield f"line {node.lineno}: wait for what you wait for"
            case ast.ImportFrom(module="time", names=names) if "sleep" in {n.name for n in names}:
                yield f"line {node.lineno}: wait for what you wait for"
            case ast.ImportFrom() | ast.Import():
                if any(name.split(".")[-1] == "mock" for name in imported(node)):
                    yield f"line {node.lineno}: write a fake in jackline.testing"
            case ast.Call(func=ast.Attribute(attr="setattr"), args=[*_, ast.Lambda()]):
                yield f"line {node.lineno}: write a fake in jackline.testing"
            case ast.Attribute(value=ast.Attribute(attr="mark"), attr="flaky"):
                yield f"line {node.lineno}: a flaky test is a bug of today"
            case _:
                continue


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT / "src").with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def circle(sources: dict[str, str]) -> list[str]:
    """Return modules that import each other while they load, in order, or nothing."""
    graph = {
        module: {
            name
            for node in ast.parse(text).body
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in loaded(node, sources)
            if name != module
        }
        for module, text in sources.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def loaded(node: ast.Import | ast.ImportFrom, sources: Collection[str]) -> set[str]:
    """Return which sources an import loads: of `from a import b` that is `a.b`, or else `a`."""
    names = imported(node)
    if isinstance(node, ast.ImportFrom) and not names <= set(sources):
        names.add(node.module or "")
    return names & set(sources)


def imported(node: ast.Import | ast.ImportFrom) -> set[str]:
    """Return the dotted names that an import asks for."""
    prefix = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
    return {prefix + alias.name for alias in node.names}
