"""``Placement``: where a result goes. ``spots`` finds the place on the ground; ``placing`` keys the characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from .. import core
from ..rig.limb_controls import LimbControls
from ..rig.splice import KeptKeys
from .spots import Spot


@dataclass(frozen=True)
class Placement:
    """Where a result goes. Data-blocks are named, since they may be deleted while the generator works.

    Attributes:
        scene: name of the scene.
        start_frame: of the first key.
        has_leader: whether person 1 is in the scene already and only person 2 is keyed.
        characters: names of the armatures to key; an empty name creates a new character.
        size: how many times larger than a person the leader is, and the reactor becomes.
        metres: per unit of the scene.
        kept_keys: the keys that an edit keeps; None if all keys are new.
        plant_feet: whether the feet of characters of other proportions stand where they do in the motion.
        keep_contacts: whether their hands touch what they touch in the motion.
        bodies: of new characters, person 1 and person 2; None makes a mannequin.
        spot: where the pair performs; None if the motion is in the scene's world already.
        stands: whether characters of the scene perform where they stand.
        across: scale of level root motion on characters of the scene; None takes it from the result.
        reuse: whether a pair that was generated since the request performs instead of new people.
        keys: how far key poses may be from the motion; None keys every frame.
        limbs: which controls move arms and legs of control rigs.
        pins: what constraints hold at points of the scene, whatever bodies the people have.
        kept_joints: (2, T, 22) how much constraints keep the rotation of each joint, whatever bodies the people have;
            None for none.
        loop: whether the last frame of the result is the first one of the next cycle, and keys repeat.
        title: name of the takes; empty means the prompt.
        prompt: of the takes; empty means the request's.
        leader_name: name of the leader in the scene; empty if there is none.
        leader_joints: (T, 22, 3) positions of the leader's joints on its rig, metres; None means those of the motion.
    """

    scene: str
    start_frame: int
    has_leader: bool = False
    characters: tuple[str, str] = ("", "")
    size: float = 1.0
    metres: float = 1.0
    kept_keys: KeptKeys | None = None
    plant_feet: bool = True
    keep_contacts: bool = True
    bodies: tuple[core.SmplModel | None, core.SmplModel | None] = (None, None)
    spot: Spot | None = None
    stands: bool = False
    across: float | None = None
    reuse: bool = False
    keys: core.KeySettings | None = None
    limbs: LimbControls = LimbControls()
    pins: tuple[core.BodyPin, ...] = field(default=(), compare=False)
    kept_joints: np.ndarray | None = field(default=None, compare=False)
    loop: bool = False
    title: str = ""
    prompt: str = ""
    leader_name: str = ""
    leader_joints: np.ndarray | None = field(default=None, compare=False)


def new_people(placement: Placement) -> tuple[int, ...]:
    """Which of the two people are new characters."""
    return tuple(index for index in moving_people(placement) if not placement.characters[index])


def moving_people(placement: Placement) -> tuple[int, ...]:
    """Which of the two people are keyed."""
    return (1,) if placement.has_leader else (0, 1)


def with_bodies(placement: Placement, files: Sequence[Path | None]) -> Placement:
    """The placement with bodies from SMPL or SMPL-X model files for new people.

    Args:
        placement: of both people.
        files: of person 1 and person 2; None makes a mannequin.

    Raises:
        UserError: a file that is needed cannot be read.
    """
    new = new_people(placement)
    first, second = (
        core.load_smpl_model(file) if file is not None and index in new else None for index, file in enumerate(files)
    )
    return replace(placement, bodies=(first, second))
