"""What a reviewer of Blender's extension platform would object to, found by looking at the zip's contents.

Each rule is a function from the contents to objections. Code is looked at as syntax trees: ``intermask_blender`` and
the root module run inside Blender and are held to all rules, ``model_core`` to those on what is unsafe anywhere. What a
person must decide is a remark: it does not fail the review.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from extension_archive import PYTHONS, Entry, check_wheel

LONGEST_LINE = 64
"""Characters of a tagline and of a permission's reason."""

LARGEST_ARCHIVE = 200 << 20
LARGEST_FILE = 100 << 20
"""Bytes above which an upload is refused or stored badly."""

NETWORK_MODULES = frozenset(
    ("urllib.request", "http.client", "socket", "ssl", "ftplib", "requests", "httpx", "aiohttp")
)
THREAD_MODULES = frozenset(("threading", "multiprocessing", "concurrent.futures"))
BATCH = "intermask_blender/batch/"
"""Code that runs in processes without a window only."""
HEAVY_MODULES = frozenset(("torch", "safetensors", "tokenizers"))
UNSAFE_CALLS = frozenset(("eval", "exec", "pickle.load", "pickle.loads", "os.system"))
HOME_CALLS = frozenset(("Path.home", "os.path.expanduser", "os.path.expandvars", "bpy.utils.resource_path"))
BINARIES = frozenset((".so", ".pyd", ".dll", ".dylib", ".exe", ".pyc", ".pkl", ".pt", ".ckpt"))
REQUIRED = (
    "schema_version",
    "id",
    "name",
    "tagline",
    "version",
    "type",
    "maintainer",
    "license",
    "blender_version_min",
)
OWN = frozenset(("intermask_blender", "model_core"))


@dataclass(frozen=True)
class Finding:
    """One thing that the review found.

    Attributes:
        where: file, and line where there is one.
        what: the objection, in a sentence.
        remark: true where a reviewer may accept it.
    """

    where: str
    what: str
    remark: bool = False

    def __str__(self) -> str:
        return f"{'remark' if self.remark else 'objection'}: {self.where}: {self.what}"


def review(contents: Sequence[Entry], size: int) -> list[Finding]:
    """All findings, in the order of the rules.

    Args:
        contents: the files of the zip.
        size: bytes of the zip itself.
    """
    rules: tuple[Callable[[Sequence[Entry]], Iterator[Finding]], ...] = (_manifest, _files, _licences, _wheels, _code)
    findings = [finding for rule in rules for finding in rule(contents)]
    if size > LARGEST_ARCHIVE:
        findings.append(Finding("the zip", f"It has {size >> 20} MB; the platform takes {LARGEST_ARCHIVE >> 20}."))
    return findings


def _manifest(contents: Sequence[Entry]) -> Iterator[Finding]:
    where = "blender_manifest.toml"
    table = _table(contents)
    for name in REQUIRED:
        if not table.get(name):
            yield Finding(where, f"{name} is missing.")
    reasons = {"tagline": table.get("tagline", ""), **table.get("permissions", {})}
    for name, text in reasons.items():
        if len(text) > LONGEST_LINE:
            yield Finding(where, f"{name} has {len(text)} characters; {LONGEST_LINE} are allowed.")
        if text.rstrip().endswith("."):
            yield Finding(where, f"{name} ends in a full stop.")
    if any(not licence.startswith("SPDX:") for licence in table.get("license", [])):
        yield Finding(where, "A licence is not an SPDX identifier.")
    if not any("GPL" in licence for licence in table.get("license", [])):
        yield Finding(where, "An add-on must be under a licence that is compatible with the GPL.")


def _files(contents: Sequence[Entry]) -> Iterator[Finding]:
    names = {entry.name for entry in contents}
    for needed in ("__init__.py", "blender_manifest.toml", "LICENSE"):
        if needed not in names:
            yield Finding(needed, "It is missing.")
    for entry in contents:
        path = PurePosixPath(entry.name)
        if path.suffix.lower() in BINARIES:
            yield Finding(entry.name, "It is a compiled or a pickled file; reviewers cannot read it.")
        if any(part.startswith(".") or part == "__pycache__" for part in path.parts):
            yield Finding(entry.name, "It is hidden or a leftover.")
        if len(entry.data) > LARGEST_FILE:
            yield Finding(entry.name, f"It has {len(entry.data) >> 20} MB.")


def _licences(contents: Sequence[Entry]) -> Iterator[Finding]:
    named = " ".join(_table(contents).get("license", []))
    folders: dict[PurePosixPath, set[str]] = {}
    for entry in contents:
        if entry.name.startswith("assets/"):
            path = PurePosixPath(entry.name)
            folders.setdefault(path.parent, set()).add(path.name)
    covered = {folder for folder, names in folders.items() if any(name.startswith("LICENSE") for name in names)}
    attributed = {folder for folder, names in folders.items() if "ATTRIBUTION.md" in names}
    for folder, names in folders.items():
        above = {folder, *folder.parents}
        data = [name for name in sorted(names) if not name.endswith((".md", ".txt", ".json"))]
        if data and not above & (covered | attributed):
            yield Finding(str(folder), f"The origin of {data[0]} is not stated; add ATTRIBUTION.md.")
        for name in names:
            licence = name.removeprefix("LICENSE-").removesuffix(".txt")
            if name.startswith("LICENSE-") and f"SPDX:{licence}" not in named:
                yield Finding("blender_manifest.toml", f"license does not name SPDX:{licence} of {folder}.")


def _wheels(contents: Sequence[Entry]) -> Iterator[Finding]:
    table = _table(contents)
    carried = sorted(entry.name for entry in contents if entry.name.startswith("wheels/"))
    if carried != sorted(name.removeprefix("./") for name in table.get("wheels", [])):
        yield Finding("blender_manifest.toml", "wheels does not name the files in wheels/.")
    for name in carried:
        if fault := check_wheel(PurePosixPath(name).name, PYTHONS[0]):
            yield Finding(name, f"{fault}.")
    if carried and not table.get("platforms") and not all(name.endswith("-any.whl") for name in carried):
        yield Finding("blender_manifest.toml", "It has compiled wheels and names no platform.")


def _code(contents: Sequence[Entry]) -> Iterator[Finding]:
    permissions = _table(contents).get("permissions", {})
    sources = {entry.name: entry.data.decode() for entry in contents if entry.name.endswith(".py")}
    online_asked = any(
        "online_access" in source for name, source in sources.items() if name.startswith("intermask_blender")
    )
    for name, source in sources.items():
        tree = ast.parse(source, name)
        in_blender = not name.startswith("model_core/")
        for node in ast.walk(tree):
            where = f"{name}:{getattr(node, 'lineno', 1)}"
            yield from _unsafe(node, where)
            if not in_blender:
                continue
            yield from _reaches_out(node, where, "network" in permissions, online_asked)
            yield from _touches_blender(node, where)
        if in_blender:
            yield from _imports(tree, name)


def _unsafe(node: ast.AST, where: str) -> Iterator[Finding]:
    if isinstance(node, ast.Call) and (called := _dotted(node.func)) in UNSAFE_CALLS:
        yield Finding(where, f"{called} runs what it is given.")
    if isinstance(node, ast.Call) and any(
        keyword.arg == "shell" and isinstance(keyword.value, ast.Constant) and keyword.value.value is True
        for keyword in node.keywords
    ):
        yield Finding(where, "A command runs through a shell.")


def _reaches_out(node: ast.AST, where: str, permitted: bool, online_asked: bool) -> Iterator[Finding]:
    """The network: by a module, or by pip."""
    words = node.elts if isinstance(node, ast.Tuple | ast.List) else ()
    pip = any(isinstance(word, ast.Constant) and word.value == "pip" for word in words)
    module = next((name for name in _imported(node) if name in NETWORK_MODULES), "")
    if not pip and not module:
        return
    if not permitted:
        yield Finding(where, "The network is used without the network permission.")
    if not online_asked:
        yield Finding(where, "The network is used without asking bpy.app.online_access.")
    if pip:
        yield Finding(where, "Packages are installed at run time, if the user asks for it; explain why.", remark=True)


def _touches_blender(node: ast.AST, where: str) -> Iterator[Finding]:
    """What changes Blender's own process or files that are not the add-on's."""
    changed = _dotted(node) if isinstance(node, ast.Attribute) else ""
    if changed == "sys.path" or changed.startswith("sys.path."):
        if not (isinstance(node, ast.Attribute) and changed == "sys.path" and isinstance(node.ctx, ast.Load)):
            yield Finding(where, "sys.path is changed.")
    elif changed in ("sys.meta_path", "sys.path_hooks"):
        yield Finding(where, f"{changed} is changed.")
    if isinstance(node, ast.Call) and (called := _dotted(node.func)) in HOME_CALLS:
        yield Finding(where, f"{called} leads out of the folder that belongs to the add-on.")
    for name in _imported(node):
        if name in THREAD_MODULES:
            in_batch = where.startswith(BATCH)
            reason = "; in batches, where no window is, its threads must not touch bpy" if in_batch else ""
            yield Finding(where, f"{name} is imported; Blender supports no threads in Python{reason}.", remark=in_batch)


def _imports(tree: ast.Module, name: str) -> Iterator[Finding]:
    """Absolute imports of the add-on's own packages, but for those that hold outside an extension only."""
    guarded = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ("TYPE_CHECKING" in (test := ast.unparse(node.test)) or "__package__" in test)
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if id(node) in guarded:
            continue
        absolute = not (isinstance(node, ast.ImportFrom) and node.level)
        for module in _imported(node):
            first = module.split(".")[0]
            if absolute and first in OWN:
                yield Finding(f"{name}:{node.lineno}", f"{module} is imported by its absolute name.")
            if absolute and first in HEAVY_MODULES:
                yield Finding(f"{name}:{node.lineno}", f"{module} is loaded into Blender.")


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return []


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return ""


def _table(contents: Sequence[Entry]) -> dict:
    data = next((entry.data for entry in contents if entry.name == "blender_manifest.toml"), b"")
    return tomllib.loads(data.decode())
