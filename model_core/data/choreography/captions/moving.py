"""Kinds in which people walk or run."""

from __future__ import annotations

MOVING: dict[str, tuple[str, ...]] = {
    "walk side by side": (
        "$TWO walk( {manner}) side by side",
        "$A walks( {manner}) [beside|next to|alongside] $B",
        "$A and $B [walk|stroll|go for a walk] together( {manner})",
        "$TWO walk together( {manner})[, side by side|]",
        "two people [stroll|walk] [next to|beside] each other",
        "a walk side by side",
    ),
    "walk towards and pass": (
        "$TWO walk towards each other and pass( {manner})",
        "$A and $B walk( {manner}) past each other",
        "$TWO [pass|walk past] each other[, each on the other's {side}|]",
        "$A comes towards $B and walks [past|by]( {manner})",
        "two [strangers|passers-by|people] pass each other [in the street|on the way|walking]",
        "$A and $B approach, pass, and walk on( {manner})",
    ),
    "follow": (
        "$A follows $B( {manner})",
        "$A walks( {manner}) behind $B",
        "$B [leads|walks ahead] and $A follows( {manner})",
        "$A [goes|walks|trails] after $B( {manner})",
        "$TWO walk( {manner}) [one behind the other|in single file]",
        "$B is followed by $A",
    ),
    "chase": (
        "$A chases $B",
        "$A runs after $B",
        "$B [runs away|flees] and $A [runs after them|chases them]",
        "$A [pursues|chases] $B [at a run|running fast|]",
        "$TWO run, one [chases|runs after] the other",
        "$B is [chased|pursued] by $A",
        "a [chase|pursuit] between two people",
        "$A tries to catch $B, [who runs away|both running]",
    ),
    "race": (
        "$TWO [race|run a race|race each other|run side by side]",
        "$A races [against|with] $B",
        "$A and $B run [side by side|next to each other|in a race]",
        "two runners [race|compete|run side by side]",
        "$TWO [compete in a race|run as fast as they can]",
        "a [foot race|running race] between two people",
        "$A and $B [run|sprint|jog] [side by side|together]",
    ),
    "circle each other": (
        "$TWO circle each other( {manner})",
        "$TWO ({manner} )[walk|go|move] around each other in a circle",
        "$A and $B circle each other {way}( and {manner})",
        "$A and $B [face each other and circle|go round each other]( {manner})",
        "$TWO move {way} around each other( {manner})",
        "$TWO circle( {manner}), facing each other",
    ),
}
