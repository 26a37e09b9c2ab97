"""The add-on's preferences, and what holds where it runs without being installed as an add-on."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import bpy

from ..core import UserError, atomic_write
from ..generator import runtime
from ..generator.models import installed_models
from ..translations import tr, tr_noop
from .draw_cache import LOOK_INTERVAL
from .import_fields import IMPORT_FIELDS, ImportProperties
from .property_column import property_column
from .session import session
from .wrapping import paragraph

ADDON = __package__.removesuffix(".ui").removesuffix(".intermask_blender")
"""What Blender calls the add-on: the extension's package, or this one where it is used by itself."""

AUTOMATIC = "AUTO"

SOURCES = (
    (AUTOMATIC, "Automatic", "The first one with PyTorch: Blender's Python, the installed PyTorch, your Python"),
    (runtime.BLENDER, "Blender's Python", "The Python of Blender itself"),
    (runtime.INSTALLED, "Installed PyTorch", "The PyTorch that the add-on installed"),
    (runtime.NAMED, "Your Python", "The Python executable that you choose"),
)

WHERE = {
    runtime.BLENDER: tr_noop("PyTorch {version} in Blender's own Python: {python}"),
    runtime.INSTALLED: tr_noop("PyTorch {version}, installed by the add-on: {python}"),
    runtime.NAMED: tr_noop("PyTorch {version} in your Python: {python}"),
}

DEVICES = (
    ("auto", "Automatic", "A graphics card that PyTorch supports, otherwise the CPU"),
    ("cpu", "CPU", "Works on every computer"),
    ("cpu-int8", "CPU, 8-Bit", "Faster with larger models; the motion differs slightly"),
    ("cuda", "NVIDIA GPU", "Needs PyTorch installed for NVIDIA GPUs"),
    ("mps", "Apple GPU", "The GPU of Apple chips"),
)

ACCELERATORS = (
    ("CPU", "CPU", "A small download for every computer; on Apple chips it includes the GPU"),
    ("CUDA", "NVIDIA GPU", "Several gigabytes larger; many times faster with an NVIDIA graphics card of 2018 or later"),
    ("CUDA_OLDER", "NVIDIA GPU before 2018", "For older NVIDIA graphics cards, such as GeForce GTX 10 and 900"),
)


@dataclass(frozen=True)
class Preferences:
    """The user's settings.

    Attributes:
        idle_seconds: after so long without a request the generator's process is ended to free its memory.
        model_folders: where to look for models in addition to the bundled ones.
        device: what computes: ``auto``, ``cpu``, ``cpu-int8``, ``cuda`` or ``mps``.
        body_file: SMPL or SMPL-X model file that new characters are; None makes mannequins.
    """

    idle_seconds: float = 900.0
    model_folders: tuple[Path, ...] = ()
    device: str = "auto"
    body_file: Path | None = None


def _forget_test(owner: InterMaskPreferences, context: bpy.types.Context) -> None:
    """The result of a test holds for the Python that was tested."""
    owner.tested = ""
    keep_preferences(owner, context)


class InterMaskPreferences(ImportProperties, bpy.types.AddonPreferences):
    """Which Python generates, and where the models are."""

    bl_idname = ADDON

    source: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Use",
        description="The Python that runs the generator",
        items=SOURCES,
        default=AUTOMATIC,
        update=_forget_test,
    )
    python: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Python",
        description="Python executable with PyTorch, for example in a virtual environment",
        subtype="FILE_PATH",
        update=_forget_test,
    )
    tested: bpy.props.StringProperty()  # type: ignore[valid-type]
    accelerator: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Install For", description="The device that the installed PyTorch is for", items=ACCELERATORS
    )
    device: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Device", description="The device to generate on", items=DEVICES, update=keep_preferences
    )
    idle_minutes: bpy.props.FloatProperty(  # type: ignore[valid-type]
        name="Free Memory After (min)",
        description="The generator ends after this many minutes without a request; the next request starts it again",
        default=15.0,
        min=0.5,
        max=600.0,
        precision=0,
        update=keep_preferences,
    )
    model_folder: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Models",
        description="Folder that contains more model folders",
        subtype="DIR_PATH",
        update=keep_preferences,
    )
    body_file: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="SMPL Body File",
        description="Your own SMPL or SMPL-X model file (.npz or .pkl) for new characters. If empty, new characters "
        "are mannequins",
        subtype="FILE_PATH",
        update=keep_preferences,
    )
    show_import: bpy.props.BoolProperty(name="Published Weights")  # type: ignore[valid-type]

    def draw(self, context: bpy.types.Context) -> None:
        """The state, what changes it, and the settings."""
        layout = self.layout
        box = layout.box().column()
        for text, icon in state_lines(context):
            paragraph(box, context, text, icon)
        self._draw_runtime(layout.column())
        column = property_column(layout)
        for name in ("device", "idle_minutes", "model_folder", "body_file"):
            column.prop(self, name)
        layout.row().operator("intermask.edit_words", icon="TEXT")
        self._draw_import(layout.box().column())

    def _draw_import(self, layout: bpy.types.UILayout) -> None:
        """The fields of the import and its button, folded away by default."""
        icon = "TRIA_DOWN" if self.show_import else "TRIA_RIGHT"
        row = layout.row()
        row.alignment = "LEFT"
        row.prop(self, "show_import", icon=icon, emboss=False)
        if not self.show_import:
            return
        column = property_column(layout)
        for field in IMPORT_FIELDS:
            row = column.row()
            row.active = field != "statistics" or self.dataset == "interhuman"
            row.prop(self, field)
        button = layout.operator("intermask.import_published", icon="IMPORT")
        for field in IMPORT_FIELDS:
            setattr(button, field, getattr(self, field))

    def _draw_runtime(self, layout: bpy.types.UILayout) -> None:
        job = session().job
        if job is not None:
            layout.progress(factor=job.factor, text=tr(job.text))
            layout.operator("intermask.stop_runtime_job", icon="X")
            return
        row = layout.row(align=True)
        row.prop(self, "accelerator", text="")
        row.operator("intermask.install_runtime", icon="IMPORT")
        row.operator("intermask.remove_runtime", icon="TRASH")
        row = layout.row(align=True)
        row.prop(self, "python", text="", placeholder=tr("Another Python executable"))
        row.operator("intermask.use_python", icon="CHECKMARK")
        row = layout.row(align=True)
        row.prop(self, "source", text="")
        row.operator("intermask.test_runtime", icon="PLAY")


KEPT = ("source", "python", "device", "idle_minutes", "model_folder", "body_file")
"""Preferences that survive when the add-on is disabled: Blender drops an add-on's preferences then."""

KEPT_FILE = "preferences.json"

LOOK_AGAIN = 5.0
"""Seconds after which a missing PyTorch is looked for again: the user may be installing it by hand."""


def keep_preferences(owner: InterMaskPreferences, context: bpy.types.Context) -> None:
    """Write the preferences to the add-on's own folder. One that cannot be written to is no reason to stop."""
    session().draw_cache.expire()
    folder = own_folder("", create=True)
    if folder is None:
        return
    values = {name: getattr(owner, name) for name in KEPT if owner.is_property_set(name)}
    with suppress(OSError, UserError), atomic_write(folder / KEPT_FILE) as temporary:
        temporary.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def restore_preferences(context: bpy.types.Context) -> None:
    """Set preferences that Blender does not know, because the add-on was disabled since, as they were."""
    stored, folder = stored_preferences(context), own_folder("", create=False)
    if stored is None or folder is None or any(stored.is_property_set(name) for name in KEPT):
        return
    try:
        values = json.loads((folder / KEPT_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    for name in KEPT:
        # A file of another version, or one that was edited, may hold values that Blender refuses.
        with suppress(TypeError, ValueError, AttributeError, KeyError):
            setattr(stored, name, values[name])


def stored_preferences(context: bpy.types.Context) -> bpy.types.AddonPreferences | None:
    """What Blender stores of the user's choices, None if the add-on is not installed."""
    addon = context.preferences.addons.get(ADDON)
    return addon.preferences if addon is not None else None


def current_preferences(context: bpy.types.Context) -> Preferences:
    """The user's preferences, or the defaults where the add-on is not installed."""
    stored = stored_preferences(context)
    own = own_folder("models", create=False)
    folders = (own,) if own is not None else ()
    if stored is None:
        return Preferences(model_folders=folders)
    if stored.model_folder:
        folders = (Path(bpy.path.abspath(stored.model_folder)), *folders)
    body = Path(bpy.path.abspath(stored.body_file)) if stored.body_file else None
    return Preferences(stored.idle_minutes * 60.0, folders, stored.device, body)


def model_home(context: bpy.types.Context) -> Path | None:
    """Where imported models go: the folder that the user named for models, else one of the add-on's own, if any."""
    stored = stored_preferences(context)
    named = Path(bpy.path.abspath(stored.model_folder)) if stored is not None and stored.model_folder else None
    # What was named may be a single model's folder, which is no place for another.
    if named is not None and not (named / "config.json").is_file():
        return named
    return own_folder("models", create=False)


def current_runtime(context: bpy.types.Context) -> runtime.Runtime | None:
    """The Python that runs the generator, None if there is none. Looks for files only; takes about a millisecond."""
    if os.environ.get("INTERMASK_PYTHON"):
        return runtime.Runtime(runtime.NAMED, runtime.default_python())
    stored = stored_preferences(context)
    source = stored.source if stored is not None else AUTOMATIC
    found, own = runtime.find_packages(), own_python()
    if source in (AUTOMATIC, runtime.BLENDER) and (chosen := runtime.blender_runtime(found, *own)):
        return chosen
    folder = runtime_root(create=False)
    if source in (AUTOMATIC, runtime.INSTALLED) and folder is not None:
        chosen = runtime.installed_runtime(folder / "packages", found, *own)
        if chosen is not None:
            return chosen
    if source in (AUTOMATIC, runtime.NAMED) and stored is not None and stored.python:
        return runtime.named_runtime(Path(bpy.path.abspath(stored.python)), found)
    return None


def own_python() -> tuple[Path, tuple[str, ...]]:
    """How Blender's own Python is started as a process."""
    return Path(sys.executable), tuple(bpy.app.python_args)


def runtime_root(create: bool) -> Path | None:
    """The folder for what the add-on installs, None if it is not an extension or may not write there.

    Args:
        create: make it if it is not there.
    """
    return own_folder("runtime", create)


def own_folder(name: str, create: bool) -> Path | None:
    """A folder in the add-on's user folder, None if it is not an extension or may not write there.

    Args:
        name: of the folder.
        create: make it if it is not there.
    """
    try:
        return Path(bpy.utils.extension_path_user(ADDON, path=name, create=create))
    except (ValueError, OSError):
        return None


def runtime_problem(context: bpy.types.Context) -> str:
    """Why nothing can be generated, in a few words for a panel; empty if it can."""
    found = session().draw_cache.in_redraw("runtime", lambda: _has_runtime(context), LOOK_INTERVAL)
    return "" if found else tr("PyTorch was not found: install it in the preferences")


def _has_runtime(context: bpy.types.Context) -> bool:
    """Whether there is a runtime: looked for when a preference or the installation changes, else only while missing.

    Looking takes a millisecond, and panels ask at every redraw. One that disappears in another way is noticed by the
    next generation.
    """
    stored, folder = stored_preferences(context), runtime_root(create=False)
    chosen = (stored.source, bpy.path.abspath(stored.python)) if stored is not None else ()
    stamp = runtime.installed_stamp(folder / "packages") if folder is not None else 0
    key, cache, now = (os.environ.get("INTERMASK_PYTHON"), chosen, stamp), session().draw_cache, time.monotonic()

    def look() -> tuple[bool, float]:
        return current_runtime(context) is not None, now

    found, looked = cache.get("runtime", key, look)
    if not found and now - looked > LOOK_AGAIN:
        cache.forget("runtime")
        found, _ = cache.get("runtime", key, look)
    return found


def state_lines(context: bpy.types.Context) -> list[tuple[str, str]]:
    """What the preferences say at their top: lines of text, each with an icon's name."""
    stored, chosen = stored_preferences(context), current_runtime(context)
    lines = []
    if chosen is None:
        lines.append((tr("PyTorch was not found: press Install PyTorch, or name a Python that has it"), "ERROR"))
    else:
        line = tr(WHERE[chosen.source]).format(version=chosen.version, python=chosen.python)
        lines.append((line.replace("  ", " "), "CHECKMARK"))
        tested = stored.tested if stored is not None else ""
        lines.append((tested, "INFO") if tested else (tr("Not tested yet: press Test"), "QUESTION"))
    models = list(installed_models(current_preferences(context).model_folders))
    if models:
        lines.append((tr("Models: {names}").format(names=", ".join(models)), "CHECKMARK"))
    else:
        lines.append((tr("No model is installed; choose a folder with models below"), "ERROR"))
    return lines
