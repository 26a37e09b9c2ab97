"""Which packages of the project import which: read from the source, whatever is imported where."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from repository import REPOSITORY

FOUNDATION = {"errors", "files", "settings", "threads", "__version__"}
"""Modules at the top of ``model_core`` that every room may use."""
_WITH_TORCH = {"tensor_files"}
ROOMS: dict[str, set[str]] = {
    "motion": {"recognition"},
    "recognition": {"motion"},  # of skeletons alone; no two modules import each other
    "constraints": {"motion"},
    "kinematics": {"motion", "recognition", "constraints"},
    "fingers": {"motion", "kinematics"},
    "keys": {"motion", "kinematics"},
    "networks": {"motion", "kinematics", "fingers"},
    "text_encoders": {"networks", *_WITH_TORCH},
    "model_files": {"networks", "text_encoders", "motion", *_WITH_TORCH},
    "generation": {"motion", "constraints", "kinematics", "fingers", "networks", "text_encoders", "model_files",
                   "metrics"},
    "worker": {"motion", "constraints", "kinematics", "fingers", "networks", "model_files", "generation"},
    "metrics": {"motion", "kinematics"},
    "data": {"motion", "kinematics", "fingers", "recognition", "metrics"},
    "training": {"motion", "kinematics", "fingers", "networks", "text_encoders", "model_files", "generation",
                 "data", "metrics", *_WITH_TORCH},
    "evaluation": {"motion", "constraints", "kinematics", "fingers", "keys", "networks", "text_encoders",
                   "model_files", "generation", "data", "metrics", "training", *_WITH_TORCH},
}  # fmt: skip
"""The rooms of ``model_core``, each with the rooms that it may import beside the foundation."""
TORCH = {"networks", "text_encoders", "model_files", "generation", "worker", "training", "evaluation", *_WITH_TORCH}
"""Rooms that may import torch; functions of ``motion`` and of the commands may do so where they need it."""


@dataclass(frozen=True)
class Import:
    """One imported name.

    Attributes:
        module: that imports.
        target: what is imported, as a dotted name; a name within a module is the last part.
        at_import: whether importing the module imports the target: not within a function or for type checking.
    """

    module: str
    target: str
    at_import: bool

    def names(self, package: str) -> bool:
        """Whether the target is a package or within it."""
        return self.target == package or self.target.startswith(f"{package}.")


def module_name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path, root: Path) -> Iterator[Import]:
    """Every import of a file, relative ones resolved."""
    module = module_name(path, root)
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]

    def visit(node: ast.AST, at_import: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            for name in node.names:
                yield Import(module, name.name, at_import)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = [*base, *(node.module or "").split(".")] if node.module else base
            for name in node.names:
                yield Import(module, ".".join([*source, name.name]), at_import)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            # ``if TYPE_CHECKING or ...`` also runs; only a bare TYPE_CHECKING does not.
            runs = not isinstance(node.test, ast.Name)
            for child in node.body:
                yield from visit(child, at_import and runs)
            for child in node.orelse:
                yield from visit(child, at_import)
        else:
            inside = at_import and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            for child in ast.iter_child_nodes(node):
                yield from visit(child, inside)

    yield from visit(ast.parse(path.read_text(encoding="utf-8")), True)


def imports_in(root: Path, package: str) -> list[Import]:
    return [found for path in sorted((root / package).rglob("*.py")) for found in imports_of(path, root)]


def room(name: str) -> str:
    """The part of a dotted name after the package."""
    return name.split(".")[1] if "." in name else ""


def wrong_arrows(imports: list[Import]) -> list[str]:
    """Imports between rooms of ``model_core`` that ``ROOMS`` does not allow."""
    wrong = []
    for found in imports:
        source, target = room(found.module), room(found.target)
        between = found.module.startswith("model_core.") and found.names("model_core")
        if not between or source in ("__main__", *FOUNDATION, *_WITH_TORCH):
            continue
        if target not in {source, *FOUNDATION, *ROOMS.get(source, set())}:
            wrong.append(f"{found.module} imports {found.target}")
    return wrong


def wrong_packages(imports: list[Import]) -> list[str]:
    """Imports of torch or bpy where they must not be."""
    wrong = []
    for found in imports:
        inside, source = found.module.split(".")[0], room(found.module)
        torch = found.names("torch") or found.names("safetensors.torch")
        late = not found.at_import and source in ("motion", "__main__")
        if torch and (inside == "intermask_blender" or (source not in TORCH and not late)):
            wrong.append(f"{found.module} imports {found.target}")
        if found.names("bpy") and (inside == "model_core" or source == "generator"):
            wrong.append(f"{found.module} imports {found.target}")
    return wrong


def graph_of(imports: list[Import]) -> dict[str, set[str]]:
    """Modules with the modules that importing each of them imports directly; packages' ``__init__`` left out."""
    modules = {found.module for found in imports}
    graph: dict[str, set[str]] = {module: set() for module in modules}
    for found in imports:
        if found.at_import:
            target = found.target if found.target in modules else found.target.rpartition(".")[0]
            if target in modules and target != found.module:
                graph[found.module].add(target)
            elif found.names("torch") or found.names("bpy"):
                graph[found.module].add(found.target.split(".")[0])
    return graph


def cycle_in(imports: list[Import]) -> list[str]:
    """The modules of a cycle of imports, or nothing."""
    try:
        tuple(TopologicalSorter(graph_of(imports)).static_order())
    except CycleError as error:
        return list(error.args[1])
    return []


def reached(graph: dict[str, set[str]], start: str) -> set[str]:
    """All that importing a module imports."""
    done, waiting = set(), [start]
    while waiting:
        current = waiting.pop()
        if current not in done:
            done.add(current)
            waiting += graph.get(current, set())
    return done


@pytest.fixture(scope="module")
def imports() -> list[Import]:
    return imports_in(REPOSITORY, "model_core") + imports_in(REPOSITORY, "intermask_blender")


def test_rooms_import_only_what_they_may(imports: list[Import]) -> None:
    assert wrong_arrows(imports) == []
    here = {path.name for path in (REPOSITORY / "model_core").iterdir() if (path / "__init__.py").is_file()}
    assert here <= set(ROOMS), "a new room needs its line in ROOMS"


def test_torch_and_bpy_stay_apart(imports: list[Import]) -> None:
    assert wrong_packages(imports) == []


def test_no_modules_import_each_other(imports: list[Import]) -> None:
    assert cycle_in(imports) == []


def test_the_add_on_takes_model_core_through_one_module_that_loads_no_torch(imports: list[Import]) -> None:
    doors = {found.module for found in imports if found.module.startswith("intermask_blender") and
             found.names("model_core")}  # fmt: skip
    assert doors == {"intermask_blender.core"}
    graph = graph_of(imports)
    # The door imports each module when its first name is used; for type checkers it lists all of them.
    taken = {found.target for found in imports if found.module in doors and found.names("model_core")}
    modules = {target if target in graph else target.rpartition(".")[0] for target in taken}
    assert len(modules) > 10 and modules <= graph.keys() | {"model_core"}
    for module in (*modules, "intermask_blender.core", "model_core.worker.server", "model_core.__main__"):
        assert "torch" not in reached(graph, module), module
    generators = [module for module in graph if module.startswith("intermask_blender.generator")]
    assert generators and not any("bpy" in reached(graph, module) for module in generators)


@pytest.mark.parametrize(
    ("file", "line", "target"),
    [
        ("training/loop.py", "from ..evaluation import starter", "model_core.evaluation.starter"),
        ("metrics/retrieval.py", "def f():\n    from model_core.training.loop import x", "model_core.training.loop.x"),
        ("data/scene.py", "def f():\n    import torch", "torch"),
        ("motion/types.py", "if 1:\n    import bpy", "bpy"),
    ],
)
def test_a_wrong_arrow_is_found(tmp_path: Path, file: str, line: str, target: str) -> None:
    path = tmp_path / "model_core" / file
    path.parent.mkdir(parents=True)
    path.write_text(f"{line}\n")
    found = imports_in(tmp_path, "model_core")
    assert [*wrong_arrows(found), *wrong_packages(found)] == [f"{module_name(path, tmp_path)} imports {target}"]


def test_a_cycle_is_found(tmp_path: Path) -> None:
    (tmp_path / "model_core").mkdir()
    for name, other in (("one", "two"), ("two", "three"), ("three", "one")):
        (tmp_path / "model_core" / f"{name}.py").write_text(f"from .{other} import thing\n")
    assert len(set(cycle_in(imports_in(tmp_path, "model_core")))) == 3
