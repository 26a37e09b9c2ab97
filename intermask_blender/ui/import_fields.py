"""Properties of an import of published weights: the preferences show them, and the operator takes them."""

from __future__ import annotations

import inspect

import bpy

DATASETS = (
    ("interhuman", "InterHuman", "Weights trained on InterHuman: 22 joints. Needs the statistics files"),
    ("interx", "Inter-X", "Weights trained on Inter-X: 55 joints with hands. Needs no statistics files"),
)


class ImportProperties:
    """Mix-in of the preferences and of Import Published Weights, in the order in which they are shown."""

    checkpoints: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Checkpoints", description="The downloaded folder of published checkpoints", subtype="DIR_PATH"
    )
    dataset: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Data Set", description="The data set that the weights were trained on", items=DATASETS
    )
    statistics: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Statistics", description="Folder with global_mean.npy and global_std.npy", subtype="DIR_PATH"
    )
    clip: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="CLIP",
        description="OpenAI's ViT-L-14-336px.pt, or a Hugging Face folder of clip-vit-large-patch14-336",
        subtype="FILE_PATH",
    )
    any_clip: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Any CLIP Model", description="Accept another CLIP model of the same width"
    )
    transformer_file: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Transformer File", description="File in the transformer's folder 'model'. If empty, best_fid.tar"
    )
    tokenizer_file: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Tokenizer File", description="File in the tokenizer's folder 'model'. If empty, best_fid.tar"
    )
    title: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Name", description="Name of the model in lists. If empty, the name of its data set"
    )
    replace: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Replace", description="Replace an existing model of the same name"
    )


IMPORT_FIELDS = tuple(inspect.get_annotations(ImportProperties))
"""Their names."""
