"""Import Published Weights: a button of the preferences that makes a model of downloaded files."""

from __future__ import annotations

import re
from pathlib import Path

import bpy

from ..core import UserError
from ..generator.job import Job
from ..generator.runtime import NOT_FOUND
from ..translations import tr
from ..ui.import_fields import DATASETS, ImportProperties
from ..ui.preferences import current_runtime, model_home
from ..ui.services import end_worker
from .attempt_mixin import refuse
from .job_mixin import JobMixin, poll_idle


class INTERMASK_OT_import_published(JobMixin, ImportProperties, bpy.types.Operator):
    """Create a model from published InterMask weights and CLIP, which you have downloaded"""

    bl_idname = "intermask.import_published"
    bl_label = "Import Published Weights"
    bl_options = {"INTERNAL"}

    folder: bpy.props.StringProperty(  # type: ignore[valid-type]
        description="Where the model folder is created. If empty, where the add-on looks for models", subtype="DIR_PATH"
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether it can run now; the reason is shown on the disabled button."""
        if not poll_idle(cls):
            return False
        if current_runtime(context) is None:
            return refuse(cls, "PyTorch, which reads the weights, was not found: press Install PyTorch first")
        return True

    def begin(self, context: bpy.types.Context) -> Job:
        """The import."""
        from ..generator.model_import import ImportPlan, ModelImport  # not needed to enable the add-on

        runtime = current_runtime(context)
        if runtime is None:
            raise UserError(NOT_FOUND)
        if not self.checkpoints:
            raise UserError(tr("No checkpoints were named; choose the folder that you downloaded as Checkpoints."))
        if not self.clip:
            raise UserError(tr("No CLIP model was named; choose OpenAI's ViT-L-14-336px.pt or a Hugging Face folder."))
        home = _path(self.folder) if self.folder else model_home(context)
        if home is None:
            raise UserError(tr("There is no folder for models; name one as Models in the add-on's preferences."))
        # Some systems cannot replace files that are in use.
        if self.replace:
            end_worker()
        data = next(name for key, name, _ in DATASETS if key == self.dataset)
        title = self.title.strip() or f"InterMask {data}"
        plan = ImportPlan(
            runtime=runtime,
            checkpoints=_path(self.checkpoints),
            clip=_path(self.clip),
            out=home / folder_name(title),
            log=Path(bpy.app.tempdir) / "intermask_import.log",
            statistics=_path(self.statistics) if self.statistics else None,
            dataset=self.dataset,
            name=title,
            checkpoint=self.transformer_file.strip(),
            tokenizer_checkpoint=self.tokenizer_file.strip(),
            any_clip=self.any_clip,
            replace=self.replace,
        )
        return ModelImport(plan)

    @classmethod
    def finished(cls, context: bpy.types.Context, sentence: str) -> str:
        """What to report."""
        return sentence


def folder_name(title: str) -> str:
    """A folder name that every system accepts, from a model's title."""
    return re.sub(r"[^\w.-]+", "-", title).strip("-.").lower() or "model"


def _path(given: str) -> Path:
    return Path(bpy.path.abspath(given))
