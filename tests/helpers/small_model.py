"""A model folder with small random networks: everything runs for real, only what the people do is nonsense."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from repository import REPOSITORY

from model_core.model_files.model_folder import Model, save_model
from model_core.model_files.sampling_settings import SamplingSettings
from model_core.model_files.settings import ModelConfig
from model_core.model_files.training_captions import save_captions
from model_core.motion import SMPL, Motion
from model_core.motion.canonical import canonical_transform
from model_core.motion.forward_kinematics import forward_kinematics
from model_core.motion.representation import features_from_motion
from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.networks.text_layers import TextLayersConfig
from model_core.networks.tokenizer import Dataset, Tokenizer, TokenizerConfig
from model_core.networks.transformer import InteractionTransformer, TransformerConfig
from model_core.text_encoders import load_text_encoder

TEXT_ENCODER = REPOSITORY / "assets" / "text" / "all-MiniLM-L6-v2"
LONGEST = 120
CAPTIONS = ("two people hug", "two people bow to each other")


def save_small_model(folder: Path, steps: int = 6, dataset: Dataset = "interhuman") -> Path:
    """Write a model of people who stand about, swaying; give its folder back."""
    torch.manual_seed(0)
    tokenizer = TokenizerConfig(dataset, width=16, codes=32, code_width=16)
    transformer = TransformerConfig(32, 16, 32, 1, 2, 32, text=TextLayersConfig(384, 4, 64, 1, True))
    config = ModelConfig(folder.name, tokenizer, transformer, str(TEXT_ENCODER), SamplingSettings(steps), LONGEST)
    mean = _standing() if dataset == "interhuman" else _standing_interx()
    networks = Tokenizer(tokenizer), InteractionTransformer(transformer)
    for name, tensor in networks[0].state_dict().items():
        if name.endswith(".codes"):
            tensor.normal_(std=3)
    encoder = load_text_encoder(TEXT_ENCODER)
    save_captions(folder, CAPTIONS, encoder.encode(CAPTIONS).pooled)
    save_model(folder, Model(config, *networks, mean, torch.full_like(mean, 0.02), TEXT_ENCODER))
    return folder


def _standing() -> torch.Tensor:
    """(262,) InterHuman features of someone who stands in a T-pose."""
    still = np.broadcast_to(np.eye(3), (9, len(SMPL), 3, 3))
    joints = forward_kinematics(still, np.tile((0.0, 0.95, 0.0), (9, 1)), SMPL_REST_OFFSETS, SMPL)
    person = Motion(joints, still[:, 1:], still[:, 0])
    return torch.from_numpy(features_from_motion(canonical_transform(person).apply(person)).mean(0)).float()


def _standing_interx() -> torch.Tensor:
    """(56, 6) the same in Inter-X features."""
    return torch.cat((torch.tensor([1.0, 0, 0, 0, 1, 0]).expand(55, 6), torch.zeros(1, 6)))
