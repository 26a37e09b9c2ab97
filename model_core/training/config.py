"""The configuration file of ``python -m model_core train``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import UserError
from ..model_files.sampling_settings import SamplingSettings
from ..networks.code_optimisation import CodeOptimisationSettings
from ..settings import build
from .contact_classifier_training import ContactClassifierTraining
from .evaluator_training import EvaluatorTraining
from .material import DataSettings
from .refiner_training import RefinerTraining
from .reranker_training import RerankerTraining
from .tokenizer_training import TokenizerTraining
from .transformer_training import TransformerTraining


@dataclass(frozen=True)
class TrainingConfig:
    """A whole configuration file.

    Attributes:
        name, text_encoder, longest, examples, about, sampling: go into the model folder's configuration.
        data: which takes.
        captions: paraphrases that replace a caption of the captured data, by caption.
        tokenizer, transformer: settings of the two trainings.
        refiner: settings of the refiner's training; None for a model without a refiner.
        contact_classifier: settings of the contact classifier's training; None for a model without one.
        reranker: settings of the reranker's training, which needs choreographed clips; None for a model without one.
        evaluator: settings of the evaluator's training.
        code_optimisation: goes into the model folder's configuration.
    """

    name: str
    text_encoder: str
    data: DataSettings
    captions: Mapping[str, tuple[str, ...]]
    tokenizer: TokenizerTraining
    transformer: TransformerTraining
    sampling: SamplingSettings = SamplingSettings()
    longest: int = 160
    examples: tuple[str, ...] = ()
    about: str = ""
    refiner: RefinerTraining | None = None
    contact_classifier: ContactClassifierTraining | None = None
    reranker: RerankerTraining | None = None
    evaluator: EvaluatorTraining = EvaluatorTraining()
    code_optimisation: CodeOptimisationSettings | None = None


def read_training_config(path: Path) -> TrainingConfig:
    """Read a TOML configuration.

    Raises:
        UserError: missing, not TOML, or with an entry that is unknown or of the wrong kind.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"There is no configuration {path}; name one of the files in configs/.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is no TOML file: {error}.") from error
    return build(TrainingConfig, values, str(path))
