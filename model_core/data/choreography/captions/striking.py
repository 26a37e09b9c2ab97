"""Captions of blows from the side and from below, of dodges, falls and struggles."""

from __future__ import annotations

STRIKING: dict[str, tuple[str, ...]] = {
    "slap": (
        "$A slaps $B( {manner})",
        "$A ({manner} )slaps $B in the face[ with the {side} hand|]",
        "$A gives $B a slap [on|across] the {other_side} cheek( {manner})",
        "$B [is slapped|gets a slap in the face]( {manner}) [by $A|] and holds the cheek",
        "$B [holds|touches] the {other_side} cheek after [a slap|being slapped]( {manner})",
        "$A slaps $B's face( {manner}), $B [holds the cheek|turns the head away]",
        "a slap in the face[, the other holds the cheek|]",
        "$TWO quarrel and one slaps the other( {manner})",
    ),
    "hook punch": (
        "$A hits $B with a {side} hook( {manner})",
        "$A ({manner} )[throws|lands] a {side} hook [to|on] $B's [jaw|head]",
        "$A [swings|swings a fist] at $B's head from the side( {manner})",
        "$B [is hit by|takes|staggers after] a( {manner}) hook[ to the jaw| to the head|]",
        "$B reels aside after $A's {side} hook( {manner})",
        "a {side} hook [knocks|sends] the other person sideways",
        "$TWO fight and one lands a hook( {manner})",
        "$A hooks $B on the jaw( {manner})",
    ),
    "uppercut": (
        "$A hits $B with an uppercut( {manner})",
        "$A ({manner} )[throws|lands] an uppercut [to|under] $B's chin",
        "$A punches $B under the chin [from below|with the {side} fist]( {manner})",
        "$B's head [flies|snaps] back after an uppercut( {manner})",
        "$B [takes|staggers back after] an uppercut[ to the chin| from $A|]( {manner})",
        "an uppercut [lifts the chin|throws back the head] of the other person",
        "$TWO fight and one lands an uppercut( {manner})",
        "$A ducks low and swings the {side} fist up [under|into] $B's chin",
    ),
    "dodge a punch": (
        "$B dodges $A's punch( {manner})",
        "$A punches( {manner}) and $B dodges[ it| the blow|]",
        "$A ({manner} )throws a {side} punch at $B's head and misses",
        "$B ducks [under|below] a punch( {manner})",
        "$B [evades|avoids|gets out of the way of] a( {manner}) {side} punch",
        "$A [swings|strikes]( {manner}) at $B and hits nothing but air",
        "$TWO fight: one punches, the other dodges( {manner})",
        "a punch that misses because the other dodges",
    ),
    "knock down": (
        "$A knocks $B down( {manner})",
        "$A ({manner} )pushes $B to the [floor|ground]",
        "$B is [knocked|pushed] [down|over|to the ground]( {manner}) by $A( and {how})",
        "$B [falls|lands] on the [seat|ground|floor] after [a push|a shove] by $A( and {how})",
        "$A shoves $B( {manner}), who falls [backwards|over|down]( and {how})",
        "$A throws $B to the ground( {manner})",
        "$TWO fight and one falls to the floor( and {how})",
        "a shove [knocks the other down|makes the other fall]",
    ),
    "grapple and break free": (
        "$TWO grapple( {manner}) until one breaks free",
        "$TWO ({manner} )[wrestle|grapple], pushing to and fro",
        "$A grabs $B by the arms, they wrestle( {manner}) and $B breaks free",
        "$B [breaks|tears] free from $A's grip( {manner})",
        "$A and $B [wrestle|grapple|struggle]( {manner}) and [break apart|part]",
        "$A holds on to $B, who [struggles|fights]( {manner}) and gets free",
        "$TWO struggle with each other( {manner}), then break apart",
        "a( {manner}) [wrestling match|struggle|scuffle] between two people",
    ),
}
"""Templates by kind, as in ``captions``."""
