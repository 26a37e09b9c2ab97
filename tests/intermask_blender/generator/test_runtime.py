"""Finding what generates, asking a Python, and installing with real pip from small real wheels made here."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from intermask_blender.generator.child import Child
from intermask_blender.generator.installation import BUILDS, Installation, Plan, index_options, remove
from intermask_blender.generator.runtime import (
    BLENDER,
    INSTALLED,
    MARKER,
    NAMED,
    SEARCH_PATH_LINE,
    Found,
    Inspection,
    Package,
    Pip,
    Runtime,
    blender_runtime,
    find_packages,
    find_pip,
    installed_runtime,
    named_runtime,
)
from intermask_blender.ui.preferences import ACCELERATORS
from model_core.errors import UserError

TRANSLATION_CONTEXT = Path(sys.executable), ("-I",)
BIG, SMALL = Package("waltz", "waltz>=2"), Package("polka", "polka", with_dependencies=False)


def write_wheel(folder: Path, name: str, version: str, needs: str = "") -> Path:
    """A real wheel with one module in it."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    information = f"{name}-{version}.dist-info"
    requires = f"Requires-Dist: {needs}\n" if needs else ""
    files = {
        f"{name}/__init__.py": f"__version__ = {version!r}\n",
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}",
        f"{information}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{information}/RECORD"] = "".join(f"{file},,\n" for file in (*files, f"{information}/RECORD"))
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in files.items():
            wheel.writestr(file, text)
    return path


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder of wheels: waltz needs tempo, polka needs a package that does not exist."""
    folder = tmp_path / "shop"
    folder.mkdir()
    write_wheel(folder, "waltz", "2.5", needs="tempo")
    write_wheel(folder, "tempo", "1.0")
    write_wheel(folder, "polka", "0.3", needs="nothing-that-exists")
    return folder


def plan(root: Path, shop: Path, *missing: Package) -> Plan:
    options = ("--no-index", "--find-links", str(shop))
    return Plan(root, Found({}, missing, ""), *TRANSLATION_CONTEXT, find_pip(*TRANSLATION_CONTEXT), options=options)


def installed(plan: Plan) -> Installation:
    installation = Installation(plan)
    installation.start()
    installation.wait()
    return installation


@pytest.mark.slow
def test_a_runtime_is_installed_found_used_and_removed(tmp_path: Path, shop: Path) -> None:
    wanted = plan(tmp_path / "a folder" / "runtime", shop, BIG, SMALL)
    done = installed(wanted)
    assert not done.error and done.sentence == f"waltz 2.5, Python {sys.version.split()[0]}, CPU"
    assert sorted(path.name for path in wanted.root.iterdir()) == ["install.log", "packages"]
    assert {"waltz", "tempo", "polka"} <= {path.name for path in wanted.folder.iterdir()}
    runtime = installed_runtime(wanted.folder, wanted.found, *TRANSLATION_CONTEXT)
    assert runtime is not None and runtime.source == INSTALLED
    command = runtime.command(SEARCH_PATH_LINE + "import waltz, tempo, polka; print(waltz.__file__)")
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert Path(said.stdout.strip()).parent == wanted.folder / "waltz"
    remove(wanted.root)
    remove(wanted.root)
    assert not wanted.root.exists() and installed_runtime(wanted.folder, wanted.found, *TRANSLATION_CONTEXT) is None


@pytest.mark.slow
def test_a_failed_installation_leaves_nothing_and_the_next_one_goes_on(tmp_path: Path, shop: Path) -> None:
    wanted = plan(tmp_path / "runtime", shop, BIG, SMALL)
    (shop / "polka-0.3-py3-none-any.whl").rename(shop / "away")
    failed = installed(wanted)
    assert "polka" in failed.error and str(wanted.log) in failed.error and "\n" not in failed.error
    assert not wanted.folder.exists() and not (wanted.root / "packages.part").exists()
    assert "waltz" in wanted.log.read_text(encoding="utf-8")
    (shop / "away").rename(shop / "polka-0.3-py3-none-any.whl")
    assert not installed(wanted).error and wanted.folder.is_dir()


def test_what_cannot_be_loaded_is_not_taken_for_a_runtime(tmp_path: Path, shop: Path) -> None:
    wanted = plan(tmp_path / "runtime", shop, Package("absent", "tempo"))
    failed = installed(wanted)
    assert "lacks absent" in failed.error and not wanted.folder.exists()


def test_stopping_leaves_no_process_and_nothing_half_done(tmp_path: Path, shop: Path) -> None:
    wanted = plan(tmp_path / "runtime", shop, BIG)
    installation = Installation(wanted)
    installation.start()
    installation.cancel()
    child = installation._child
    assert installation.done and "press Install PyTorch" in installation.error
    assert child is not None and child.code not in (None, 0)
    assert [path.name for path in wanted.root.iterdir()] == ["install.log"]
    installation.poll()
    assert installation.done


def test_what_stands_against_an_installation_is_told_before_it_begins(tmp_path: Path, shop: Path) -> None:
    with pytest.raises(UserError, match="has everything already"):
        Installation(plan(tmp_path / "runtime", shop)).start()
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        Installation(plan(tmp_path / "file" / "runtime", shop, BIG)).start()
    greedy = Plan(
        tmp_path / "runtime", Found({}, (BIG,), ""), *TRANSLATION_CONTEXT, Pip(("pip",), (24, 0)), space=1 << 60
    )
    with pytest.raises(UserError, match=r"GB free and PyTorch takes"):
        Installation(greedy).start()


def test_a_runtime_for_another_python_or_without_all_parts_is_not_used(tmp_path: Path) -> None:
    found = Found({}, (BIG,), "")

    def runtime(python: str, versions: dict[str, str]) -> Runtime | None:
        (tmp_path / MARKER).write_text(json.dumps({"python": python, "versions": versions}), encoding="utf-8")
        return installed_runtime(tmp_path, found, *TRANSLATION_CONTEXT)

    mine = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert runtime(mine, {"waltz": "2.5"}) is not None
    assert runtime("3.1", {"waltz": "2.5"}) is None
    assert runtime(mine, {"polka": "1"}) is None
    (tmp_path / MARKER).write_text("{", encoding="utf-8")
    assert installed_runtime(tmp_path, found, *TRANSLATION_CONTEXT) is None


def test_looking_finds_packages_where_they_lie_and_loads_none(tmp_path: Path, shop: Path) -> None:
    for name in ("waltz-2.5", "tempo-1.0"):
        with zipfile.ZipFile(shop / f"{name}-py3-none-any.whl") as wheel:
            wheel.extractall(tmp_path / "site")
    (tmp_path / "site" / "polka").mkdir()
    found = find_packages([str(tmp_path), str(tmp_path / "site")], (BIG, SMALL))
    assert found.folders == {"waltz": tmp_path / "site"} and found.missing == (SMALL,) and found.version == "2.5"
    assert "waltz" not in sys.modules and blender_runtime(found, *TRANSLATION_CONTEXT) is None
    found = find_packages([str(tmp_path / "site")], (BIG,))
    runtime = blender_runtime(found, *TRANSLATION_CONTEXT)
    assert runtime is not None and runtime.source == BLENDER and runtime.last == (tmp_path / "site",)
    start = time.process_time()
    for _ in range(20):
        find_packages()
    assert time.process_time() - start < 2.0, "too slow for a panel that is drawn all the time"


@pytest.mark.slow
def test_a_python_is_asked_before_it_is_used(tmp_path: Path) -> None:
    named = named_runtime(Path(sys.executable), find_packages())
    assert named is not None and named.source == NAMED
    asked = Inspection(named)
    asked.start()
    asked.wait()
    assert not asked.error and asked.sentence.startswith("PyTorch 2.")
    bare = Inspection(Runtime(NAMED, Path(sys.executable), ("-I", "-S")))
    bare.start()
    bare.wait()
    assert "lacks torch, numpy, safetensors, tokenizers" in bare.error
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\necho hello\n")
    script.chmod(0o755)
    other = Inspection(Runtime(NAMED, script))
    other.start()
    other.wait()
    assert "is not a working Python (hello)" in other.error
    script.write_text("nothing that runs")
    with pytest.raises(UserError, match="cannot be started"):
        Inspection(Runtime(NAMED, script)).start()
    assert named_runtime(tmp_path / "gone", find_packages()) is None


def test_a_child_that_closes_its_output_and_goes_on_is_not_waited_for(tmp_path: Path) -> None:
    child = Child(
        [sys.executable, "-c", "import os, signal; print('here', flush=True); os.close(1); os.close(2); signal.pause()"]
    )
    child.start()
    lines: list[str] = []
    while child._process is None or child._process.stdout is None or not child._process.stdout.closed:
        lines += child.new_lines()
    assert lines == ["here"] and child.code is None and child.new_lines() == []
    child.end()
    assert child.code == -9


@pytest.mark.slow
def test_pip_is_found_even_where_it_was_never_unpacked(tmp_path: Path) -> None:
    standard = [path for path in sys.path if "site-packages" not in path]
    pip = find_pip(*TRANSLATION_CONTEXT, standard)
    said = subprocess.run([*pip.command, "--version"], capture_output=True, text=True, timeout=60, check=True)
    assert said.stdout.startswith(f"pip {pip.version[0]}.{pip.version[1]}")
    with pytest.raises(UserError, match="no pip"):
        find_pip(*TRANSLATION_CONTEXT, [str(tmp_path)])


def test_the_index_follows_the_graphics_card() -> None:
    assert index_options("CPU", "win32")[1].endswith("/cpu") and "/cu" in index_options("CUDA", "linux")[1]
    assert index_options("CUDA", "linux") != index_options("CUDA_OLDER", "linux")
    assert index_options("CPU", "darwin") == () and {key for key, _, _ in ACCELERATORS} == set(BUILDS)


CARD = """
__version__ = "2.9"
float16, float32 = "half", "single"
class cuda:
    device_count = staticmethod(lambda: 1)
    get_device_name = staticmethod(lambda index: "GeForce 9090")
class backends:
    pass
class Numbers:
    __matmul__ = lambda one, other: one
    mean = lambda numbers: 64.0
def ones(*shape, device, dtype):
    if device != "cpu":
        raise RuntimeError("CUDA error: no kernel image is available for execution on the device\\nCompile with ...")
    return Numbers()
"""


def test_a_card_for_which_pytorch_has_no_kernels_is_found_by_computing_on_it(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text(CARD)
    runtime, packages = Runtime(NAMED, Path(sys.executable), first=(tmp_path,)), (Package("torch", "torch"),)

    def inspected(device: str) -> Inspection:
        inspection = Inspection(runtime, packages, device)
        inspection.start()
        inspection.wait()
        return inspection

    assert inspected("auto").error == (
        "PyTorch 2.9 cannot compute on GeForce 9090 (CUDA error: no kernel image is available for execution on the "
        "device); press Install PyTorch with the other NVIDIA entry as Install For, update the driver, or set Device "
        "to CPU."
    )
    on_cpu = inspected("cpu")
    assert not on_cpu.error and on_cpu.sentence.endswith(", CPU")
