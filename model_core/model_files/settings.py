"""What a model folder says of itself."""

from __future__ import annotations

from dataclasses import dataclass

from ..networks.code_optimisation import CodeOptimisationSettings
from ..networks.contact_classifier import ContactClassifierConfig
from ..networks.refiner import RefinerConfig
from ..networks.reranker import RerankerConfig
from ..networks.tokenizer import TokenizerConfig
from ..networks.transformer import TransformerConfig
from .sampling_settings import SamplingSettings


@dataclass(frozen=True)
class ModelConfig:
    """What a model folder says of itself.

    Attributes:
        name: shown to users.
        tokenizer, transformer: shapes of the networks.
        text_encoder: folder of the text encoder, in the model folder or among those that come with the project.
        sampling: the defaults that suit this model.
        longest: frames of the longest clip it was trained on; longer ones are made by extension.
        examples: prompts that it knows.
        about: data, terms and credit in a few sentences.
        refiner: shape of the network that moves decoded people; None in a model without.
        contact_classifier: shape of the network that tells what palms touch; None in a model without.
        reranker: shape of the network that chooses among drafts; None in a model without.
        code_optimisation: settings of the search for tokens of known people (InterHuman only); None takes the nearest
            codes.
        format: of this folder, for later versions.
    """

    name: str
    tokenizer: TokenizerConfig
    transformer: TransformerConfig
    text_encoder: str
    sampling: SamplingSettings = SamplingSettings()
    longest: int = 300
    examples: tuple[str, ...] = ()
    about: str = ""
    refiner: RefinerConfig | None = None
    contact_classifier: ContactClassifierConfig | None = None
    reranker: RerankerConfig | None = None
    code_optimisation: CodeOptimisationSettings | None = None
    format: int = 1

    @property
    def skeleton(self) -> str:
        """Name of the skeleton its motions have."""
        return "smplx55" if self.tokenizer.dataset == "interx" else "smpl22"
