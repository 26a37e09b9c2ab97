"""Build the Blender extension: ``python build_addon.py [--platform linux-x64] [--python 3.13] [--out dist]``.

Without a platform the zip is pure Python and serves every Blender from 4.2 on; ``--platform all`` builds one with
wheels for each platform. ``--check`` writes nothing and says what a reviewer of Blender's extension platform would
object to. Where Blender is installed as a Python module, Blender's own validator looks at every zip. The exit code is 0
when all is well, 1 when there are objections, 2 when the zip cannot be built.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "tools"))

from extension_archive import PLATFORMS, PYTHONS, BuildError, check_wheel, entries, fetch_wheels, version, write_archive
from extension_review import review

ALL = "all"


def build(platform: str | None, python: str | None, out: Path) -> Path:
    """Build one zip and give its path.

    Raises:
        BuildError: the wheels cannot be had or do not fit, or Blender's validator refuses the zip.
    """
    suffix = f"-{platform}" if platform else ""
    path = out / f"intermask-{version()}{suffix}.zip"
    with tempfile.TemporaryDirectory(prefix="intermask-build-") as folder:
        wheels = fetch_wheels(platform, Path(folder)) if platform else []
        for wheel in wheels:
            for wanted in (python,) if python else PYTHONS:
                if fault := check_wheel(wheel.name, wanted):
                    raise BuildError(f"{fault}; pin another one in tools/wheels.txt.")
        write_archive(entries(platform, wheels), path)
    refusal = validate(path)
    if refusal:
        path.unlink()
        raise BuildError(f"Blender's validator refuses the zip: {refusal}")
    return path


def validate(path: Path) -> str | None:
    """What Blender's own validator objects to; empty where nothing, None where there is no Blender module to ask."""
    spec = importlib.util.find_spec("bpy")
    if spec is None or spec.origin is None:
        return None
    tools = sorted(Path(spec.origin).parent.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"))
    if not tools:
        return None
    done = subprocess.run([sys.executable, str(tools[-1]), "validate", str(path)], capture_output=True, text=True)
    return "" if done.returncode == 0 else f"{done.stdout.strip()} {done.stderr.strip()}".strip()


def main() -> int:
    """Build or check; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--platform", choices=(*PLATFORMS, ALL), help="one platform, with its wheels, or each of them")
    parser.add_argument("--python", choices=PYTHONS, help="the Python that the wheels must serve (both)")
    parser.add_argument("--out", type=Path, default=Path("dist"), help="folder for the zip (dist)")
    parser.add_argument("--check", action="store_true", help="say what a reviewer would object to, and write nothing")
    given = parser.parse_args()
    platforms = list(PLATFORMS) if given.platform == ALL else [given.platform]
    try:
        if given.check:
            return max([_check(platform, given.python) for platform in platforms])
        for platform in platforms:
            path = build(platform, given.python, given.out)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            print(f"{path}: {path.stat().st_size / 1e6:.1f} MB, sha256 {digest}")
    except BuildError as error:
        print(f"build_addon: {error}", file=sys.stderr)
        return 2
    return 0


def _check(platform: str | None, python: str | None) -> int:
    with tempfile.TemporaryDirectory(prefix="intermask-check-") as folder:
        path = build(platform, python, Path(folder))
        wheels = fetch_wheels(platform, Path(folder) / "wheels") if platform else []
        findings = review(entries(platform, wheels), path.stat().st_size)
    for finding in findings:
        print(finding)
    objections = sum(not finding.remark for finding in findings)
    print(f"{platform or 'every platform'}: {objections} objections, {len(findings) - objections} remarks.")
    return 1 if objections else 0


if __name__ == "__main__":
    sys.exit(main())
