"""Which tokens of an interaction a prompt makes least likely: those that restyling regenerates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..model_files.sampling_settings import SamplingSettings
from ..motion import Interaction
from ..networks.token_map import FRAMES_PER_TOKEN, token_columns
from ..networks.transformer import InteractionTransformer
from .completion import WindowTask, all_free, kept_columns
from .motion_codec import MotionCodec
from .sampling import token_log_probs
from .windowed import WindowText


def known_log_probs(
    transformer: InteractionTransformer,
    codec: MotionCodec,
    known: Interaction,
    windows: Sequence[WindowText],
    settings: SamplingSettings,
    generator: torch.Generator,
) -> np.ndarray:
    """How likely each token of an interaction is, given its text and the other tokens.

    Args:
        transformer, codec: of the model.
        known: the interaction, with local rotations.
        windows: the windows that cover it, in order, and the text of each.
        settings: guidance.
        generator: decides which tokens are hidden together.

    Returns:
        (2, P, S) log probabilities.
    """
    everything = all_free(len(known))
    result = np.zeros(everything.shape)
    people = [codec.representation.prepared(person) for person in known.people]
    for window, text in windows:
        place = slice(window.start // FRAMES_PER_TOKEN, token_columns(window.stop))
        task = WindowTask(everything[:, :, place], window)
        turn = slice(None, None, -1) if window.exchanged else slice(None)
        pair = [person.frames(window.start, window.stop) for person in people[turn]]
        transform = task.canonical_transform(pair, codec.representation.canonical_transform)
        ids = codec.encode_pairs([pair], [transform], task.frames)
        log_probs = token_log_probs(
            transformer, ids, text.condition, settings.guidance, generator, settings.part_guidance
        )[0]
        new = ~kept_columns(window.overlap, task.frames)  # the previous window has scored the others
        result[:, :, place][:, :, new] = log_probs.float().cpu().numpy()[turn][:, :, new]
    return result


def least_likely(log_probs: np.ndarray, fraction: float, allowed: np.ndarray) -> np.ndarray:
    """The least likely of the allowed tokens.

    Args:
        log_probs: (2, P, S).
        fraction: of the allowed tokens, 0 to 1.
        allowed: (2, P, S) true for the tokens to choose from.

    Returns:
        (2, P, S) true for the chosen ones.
    """
    count = round(fraction * int(allowed.sum()))
    ranks = np.where(allowed, log_probs, np.inf).ravel().argsort(kind="stable").argsort(kind="stable")
    return (ranks < count).reshape(allowed.shape) & allowed
