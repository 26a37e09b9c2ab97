"""CLIP's published weights by their name, fetched through Hugging Face's packages."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import UserError

PUBLISHED_NAME = "ViT-L/14@336px"
"""The model that the published networks were trained with, as its authors call it."""

_REPOSITORIES = {
    PUBLISHED_NAME: "openai/clip-vit-large-patch14-336",
    "ViT-L/14": "openai/clip-vit-large-patch14",
}
"""Where its authors put each model whose text tower is as wide as the published transformers need."""
_NAME = re.compile(r"(ViT|RN)[-\d]\S*")
_FILES = (("model.safetensors",), ("pytorch_model.bin",))
"""Files of weights, in order of preference: the folder has others, for other libraries."""
_BY_HAND = f"download ViT-L-14-336px.pt by hand and give its path instead of {PUBLISHED_NAME}"


def is_model_name(source: Path) -> bool:
    """Whether a source is the name of a published CLIP model, such as ``ViT-L/14@336px``, and no file or folder."""
    name = source.as_posix()
    return bool(_NAME.fullmatch(name)) and not source.suffix and not source.exists()


def fetched_clip(name: str) -> Path:
    """The folder of a published CLIP model, from the packages' cache, or fetched into it if it is not there yet.

    Args:
        name: as its authors write it, such as ``ViT-L/14@336px``.

    Raises:
        UserError: the package is missing, the name is unknown, or the files cannot be fetched.
    """
    repository = _REPOSITORIES.get(name)
    if repository is None:
        raise UserError(f"There is no CLIP model {name} to fetch; choose {', '.join(_REPOSITORIES)}, or give a path.")
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise UserError(
            f"CLIP is fetched by its name with the package transformers ({error}); pip install -e '.[clip]', or "
            f"{_BY_HAND}."
        ) from error
    folder, reason = None, "it has no weights"
    try:
        for files in _FILES:
            folder = Path(snapshot_download(repository, allow_patterns=["config.json", *files]))
            if any((folder / file).is_file() for file in files):
                return folder
    except Exception as error:  # no network, no space, refused: of many kinds, which differ among versions
        reason = " ".join(str(error).split())[:300]
    raise UserError(f"CLIP {name} could not be fetched ({reason}); try again with a network, or {_BY_HAND}.")
