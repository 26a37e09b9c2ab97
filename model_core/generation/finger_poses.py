"""Fingers of generated people: the finger classifier's states for each part of a prompt, as poses."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from ..fingers.posing import with_fingers
from ..motion.posed import PosedSkeleton
from ..motion.types import FPS
from ..networks.finger_classifier import FingerClassifier
from .prompts import segments


def finger_poses(
    classifier: FingerClassifier,
    text: Callable[[str], Tensor],
    prompt: str,
    people: Sequence[PosedSkeleton],
    held: int | None = None,
    move_hands: bool = True,
) -> list[PosedSkeleton]:
    """Two people with fingers.

    Args:
        classifier: in evaluation mode.
        text: maps a prompt without times to its sentence vector (1, W).
        prompt: a sentence, or parts with times.
        people: two solved people on SMPL's 22 joints.
        held: index of a person whose body stays as it is.
        move_hands: whether hands that hold each other are brought together.
    """
    joints = np.stack([person.joints() for person in people])
    probabilities, start = [], 0
    for part in segments(prompt, joints.shape[1], FPS):
        probabilities.append(finger_probabilities(classifier, joints[:, start : part.stop], text(part.prompt)))
        start = part.stop
    return with_fingers(people, np.concatenate(probabilities, axis=1), held, move_hands)


@torch.inference_mode()
def finger_probabilities(classifier: FingerClassifier, joints: np.ndarray, text: Tensor) -> np.ndarray:
    """(2, T, 2, S) probabilities of the states of left and right hand, for joints (2, T, 22, 3), metres."""
    frames = joints.shape[1]
    index = np.minimum(np.arange(frames + frames % 2), frames - 1)  # the network needs an even number
    batch = torch.from_numpy(joints[None][:, :, index].astype(np.float32)).to(text.device)
    return classifier(batch, text).softmax(-1)[0, :, :frames].double().cpu().numpy()
