"""The extension's zip: the same bytes twice, what a reviewer says, and a life in real Blender from install to end."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
from extension_archive import Entry, check_wheel, manifest
from extension_review import Finding, review
from repository import REPOSITORY
from small_model import save_small_model


def run_builder(repository: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(repository / "build_addon.py"), *map(str, arguments)]
    return subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=200)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, so that no change to the files comes between two builds."""
    copy = tmp_path_factory.mktemp("repository")
    for name in ("build_addon.py", "blender_manifest.toml", "LICENSE"):
        shutil.copy(REPOSITORY / name, copy)
    for name in ("tools", "intermask_blender", "model_core", "assets"):
        shutil.copytree(REPOSITORY / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def archive(repository: Path) -> Path:
    done = run_builder(repository)
    assert done.returncode == 0, done.stderr
    (path,) = (repository / "dist").iterdir()
    assert f"{path.stat().st_size / 1e6:.1f} MB" in done.stdout
    return path


@pytest.fixture(scope="module")
def contents(archive: Path) -> list[Entry]:
    with zipfile.ZipFile(archive) as opened:
        return [Entry(name, opened.read(name)) for name in opened.namelist()]


def test_two_builds_are_the_same_byte_for_byte(repository: Path, archive: Path) -> None:
    for name in ("blender_manifest.toml", "LICENSE", "model_core/worker/server.py"):
        os.utime(repository / name, (1e9, 1e9))
    assert run_builder(repository, "--out", "other").returncode == 0
    assert (repository / "other" / archive.name).read_bytes() == archive.read_bytes()
    with zipfile.ZipFile(archive) as opened:
        names = opened.namelist()
        assert names == sorted(names) and {info.date_time[0] for info in opened.infolist()} == {1980}


def test_the_zip_holds_both_packages_and_what_they_need_and_nothing_else(contents: list[Entry]) -> None:
    names = {entry.name for entry in contents}
    needed = ("__init__.py", "LICENSE", "intermask_blender/registration.py", "model_core/worker/server.py")
    assert names.issuperset((*needed, "assets/body/mannequin.npz", "assets/text/all-MiniLM-L6-v2/tokenizer.json"))
    tops = {name.split("/")[0] for name in names}
    assert tops <= {
        "__init__.py",
        "LICENSE",
        "README.md",
        "blender_manifest.toml",
        "intermask_blender",
        "model_core",
        "assets",
    }
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".part"))]
    assert not [name for name in names if name.startswith(("assets/evaluation/", "assets/words/"))]  # for researchers
    packed = tomllib.loads(next(e.data for e in contents if e.name == "blender_manifest.toml").decode())
    assert "build" not in packed and "wheels" not in packed and packed["permissions"]["network"]


def test_a_zip_for_a_platform_names_it_and_its_wheels() -> None:
    wheels = [Path(f"tokenizers-1-cp310-abi3-{tag}.whl") for tag in ("win_amd64",)]
    table = tomllib.loads(manifest("windows-x64", wheels))
    assert table["platforms"] == ["windows-x64"] and table["wheels"] == [
        "./wheels/tokenizers-1-cp310-abi3-win_amd64.whl"
    ]
    assert not check_wheel(wheels[0].name, "3.11")
    assert "one Python only" in check_wheel("tokenizers-1-cp311-cp311-win_amd64.whl", "3.11")
    assert "later Python" in check_wheel("tokenizers-1-cp312-abi3-win_amd64.whl", "3.11")
    for heavy in ("torch", "numpy"):
        assert "leave it out" in check_wheel(f"{heavy}-2-cp310-abi3-win_amd64.whl", "3.11")


@pytest.mark.slow
def test_a_reviewer_has_nothing_to_object_to(contents: list[Entry], archive: Path) -> None:
    findings = review(contents, archive.stat().st_size)
    assert not [str(finding) for finding in findings if not finding.remark]
    assert any("at run time" in finding.what for finding in findings), "what a person must decide is stated"


CODE = "intermask_blender/extra.py"

DOCTORED = {
    "path": (CODE, "import sys\nsys.path.append('/lib')\n", "sys.path is changed"),
    "path assigned": (CODE, "import sys\nsys.path += ['/lib']\n", "sys.path is changed"),
    "thread": (CODE, "import threading\n", "supports no threads"),
    "absolute": (CODE, "from model_core import motion\n", "absolute name"),
    "heavy": (CODE, "def late():\n    import torch\n", "loaded into Blender"),
    "home": (CODE, "from pathlib import Path\nFILE = Path.home() / 'x'\n", "leads out of the folder"),
    "unsafe": ("model_core/extra.py", "import pickle\npickle.load(open('x', 'rb'))\n", "runs what it is given"),
    "shell": ("model_core/extra.py", "import subprocess\nsubprocess.run('ls', shell=True)\n", "through a shell"),
    "library": ("model_core/fast.so", "", "compiled or a pickled"),
    "hidden": ("assets/.hidden", "", "hidden or a leftover"),
    "nobody's": ("assets/found/thing.npz", "", "is not stated"),
    "licence": ("assets/found/LICENSE-CC0-1.0.txt", "", "does not name SPDX:CC0-1.0"),
    "wheel": ("wheels/numpy-2-cp310-abi3-win_amd64.whl", "", "would replace what Blender"),
}


@pytest.fixture(scope="module")
def few(contents: list[Entry]) -> list[Entry]:
    """The zip with little code, which is what takes time to look at."""
    code = ("__init__.py", "intermask_blender/operators/runtime.py", "intermask_blender/generator/runtime.py")
    return [entry for entry in contents if not entry.name.endswith(".py") or entry.name in code]


def objections(contents: list[Entry]) -> list[Finding]:
    return [finding for finding in review(contents, 1) if not finding.remark]


@pytest.mark.parametrize("case", DOCTORED)
def test_the_review_sees_what_was_put_in(few: list[Entry], case: str) -> None:
    name, text, words = DOCTORED[case]
    assert not objections(few)
    assert any(words in finding.what for finding in objections([*few, Entry(name, text.encode())]))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('tagline = "', 'tagline = "At length and in many words, of which there are too many: ', "are allowed"),
        ("from a partner", "from a partner.", "full stop"),
        ('network = "', 'net = "', "without the network permission"),
        ('maintainer = "', 'maintained = "', "maintainer is missing"),
        ("SPDX:GPL-3.0-or-later", "SPDX:CC0-1.0", "compatible with the GPL"),
    ],
)
def test_the_review_reads_the_manifest(few: list[Entry], old: str, new: str, words: str) -> None:
    def changed(entry: Entry) -> Entry:
        assert entry.name != "blender_manifest.toml" or old.encode() in entry.data
        return Entry(entry.name, entry.data.replace(old.encode(), new.encode(), 1))

    doctored = [changed(entry) if entry.name == "blender_manifest.toml" else entry for entry in few]
    assert any(words in finding.what for finding in objections(doctored))


LIFE = """
import os, sys, traceback
import bpy
archive, model, other_python = sys.argv[1:]

def message_of(call):
    try:
        return str(call())
    except RuntimeError as error:
        return str(error)

def live():
    assert bpy.ops.extensions.package_install_files(
        filepath=archive, repo="user_default", enable_on_install=True) == {"FINISHED"}
    from importlib import import_module
    name = "bl_ext.user_default.intermask"
    preferences = import_module(name + ".intermask_blender.ui.preferences")
    root = preferences.runtime_root(create=False)
    users = os.path.realpath(os.environ["BLENDER_USER_RESOURCES"])
    assert os.path.realpath(root).startswith(users), root
    stored = bpy.context.preferences.addons[name].preferences

    assert preferences.current_runtime(bpy.context) is None
    assert "Install PyTorch" in preferences.state_lines(bpy.context)[0][0]
    assert preferences.runtime_problem(bpy.context)
    make = lambda: bpy.ops.intermask.generate(prompt="they hug", seconds=0.6, model=model)
    refused = message_of(make)
    assert "PyTorch was not found" in refused and "Traceback" not in refused, refused

    system = bpy.context.preferences.system
    system.use_online_access = False
    assert "Blender is offline" in message_of(bpy.ops.intermask.install_runtime)
    system.use_online_access = True
    assert bpy.ops.intermask.install_runtime.poll()
    assert "nothing to test" in message_of(bpy.ops.intermask.test_runtime)
    assert "has not installed PyTorch" in message_of(bpy.ops.intermask.remove_runtime)
    assert "Choose a Python executable" in message_of(bpy.ops.intermask.use_python)

    stored.python = sys.executable
    assert "lacks torch" in message_of(bpy.ops.intermask.use_python)
    stored.python = other_python
    assert bpy.ops.intermask.use_python() == {"FINISHED"}
    assert stored.tested.startswith("PyTorch 2."), stored.tested
    assert preferences.runtime_problem(bpy.context) == ""
    assert bpy.ops.intermask.test_runtime() == {"FINISHED"}
    stored.device = "cuda"
    assert "no device 'cuda'" in message_of(make)
    stored.device = "cpu"
    assert make() == {"FINISHED"}
    assert len([thing for thing in bpy.data.objects if thing.type == "ARMATURE"]) == 2

    made = preferences.runtime_root(create=True)
    (made / "fetched").mkdir()
    assert bpy.ops.intermask.remove_runtime() == {"FINISHED"} and not made.exists()

    bpy.ops.preferences.addon_disable(module=name)
    assert not hasattr(bpy.types.Scene, "intermask")
    bpy.ops.preferences.addon_enable(module=name)
    assert bpy.context.scene.intermask.prompt
    stored = bpy.context.preferences.addons[name].preferences
    assert (stored.python, stored.device) == (other_python, "cpu"), "disabling the add-on forgot the preferences"
    repositories = list(bpy.context.preferences.extensions.repos)
    number = next(i for i, repository in enumerate(repositories) if repository.module == "user_default")
    assert bpy.ops.extensions.package_uninstall(repo_index=number, pkg_id="intermask") == {"FINISHED"}
    assert not hasattr(bpy.types.Scene, "intermask")
    left = [folder for folder, _, files in os.walk(users) if "intermask" in folder and files]
    assert not left, left
    assert "torch" not in sys.modules

code = 1
try:
    live()
    code = 0
    print("LIVED", flush=True)
except BaseException:
    traceback.print_exc()
sys.stderr.flush()
os._exit(code)
"""


@pytest.mark.slow
def test_a_life_in_a_blender_without_pytorch(archive: Path, tmp_path: Path) -> None:
    """Install, say what is missing, use another Python, generate, disable, enable, remove."""
    spec = importlib.util.find_spec("bpy")
    assert spec is not None and spec.origin is not None
    site = Path(spec.origin).parent.parent
    bare = tmp_path / "bare"
    venv.create(bare, with_pip=False, symlinks=os.name != "nt")
    # A Python that shares Blender and numpy with this one, and nothing else.
    shared = tmp_path / "shared"
    shared.mkdir()
    for name in ("bpy", "numpy", "numpy.libs"):
        if (site / name).exists():
            (shared / name).symlink_to(site / name, target_is_directory=True)
    (packages,) = bare.glob("**/site-packages")
    (packages / "shared.pth").write_text(f"{shared}\n", encoding="utf-8")
    python = next(path for path in (bare / "bin" / "python", bare / "Scripts" / "python.exe") if path.exists())
    model = save_small_model(tmp_path / "models" / "small")
    (tmp_path / "user").mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "INTERMASK"))}
    environment["BLENDER_USER_RESOURCES"] = str(tmp_path / "user")
    done = subprocess.run(
        [str(python), "-c", LIFE, str(archive), str(model), sys.executable],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0 and "LIVED" in done.stdout, done.stderr[-3000:]
