"""What bone names say: shared beginnings and endings go, sides and cores stay."""

from __future__ import annotations

import pytest

from model_core.recognition import canonical_name
from model_core.recognition.words import stripped_names


def test_what_only_some_names_share_stays() -> None:
    kept = ["HipLeft", "HipRight", "KneeLeft", "KneeRight", "AnkleLeft", "AnkleRight", "HandLeft", "HandRight", "Spine"]
    assert stripped_names(kept) == kept
    assert stripped_names([f"m{name}" for name in kept]) == kept
    assert stripped_names([f"{name}_{number:02d}" for number, name in enumerate(kept)]) == kept


@pytest.mark.parametrize(
    ("name", "side", "core"),
    [
        ("mixamorig:LeftUpLeg", "L_", "upleg"),
        ("mixamoriglefthand", "L_", "hand"),
        ("lThigh", "L_", "thigh"),
        ("RightForeArm", "R_", "forearm"),
        ("thigh.L", "L_", "thigh"),
        ("calf_r", "R_", "calf"),
        ("J_Bip_L_UpperLeg", "L_", "upperleg"),
        ("Character1:left_hip", "L_", "hip"),
        ("leftshoulder", "L_", "shoulder"),
        ("m_avg_R_Knee", "R_", "knee"),
        ("LHipJoint", "L_", "hipjoint"),
        ("LUArm", "L_", "uarm"),
        ("左足首", "L_", "足首"),
        ("Hips", "", "hips"),
        ("leg", "", "leg"),
        ("rib", "", "rib"),
    ],
)
def test_names_lose_side_and_packaging(name: str, side: str, core: str) -> None:
    assert canonical_name(name) == (side, core)
