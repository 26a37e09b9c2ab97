"""Details of a sentence besides the kind of interaction: hand or side, manner, direction, dance, and who acts.

Sentence vectors hardly differ between "left" and "right", so these details are read from the words: English, German and
French ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_WORD = re.compile(r"[^\W\d_]+")

_SIDES = {
    "left": ("left", "lefthand", "lefty", "southpaw", "linke", "linken", "linker", "linkem", "links", "gauche"),
    "right": ("right", "righthand", "rechte", "rechten", "rechter", "rechtem", "rechts", "droite", "droit"),
}
_MANNERS = {
    "slowly": (
        "slow slowly slo leisurely lazily lazy unhurried unhurriedly sluggish sluggishly calm calmly relaxed gradually "
        "langsam gemächlich gemütlich bedächtig ruhig lentement lent lente doucement calmement tranquillement"
    ),
    "quickly": (
        "quick quickly fast faster rapid rapidly swift swiftly hurried hurriedly hurry hasty hastily brisk briskly "
        "speedy speedily schnell schnelle schnellen zügig rasch hastig eilig flott vite rapidement rapide rapides "
        "vivement"
    ),
    "gently": (
        "gentle gently soft softly tender tenderly light lightly careful carefully sanft sanfte zart behutsam "
        "vorsichtig tendrement délicatement gentiment"
    ),
    "hard": (
        "hard harder strong strongly forceful forcefully violent violently powerful powerfully fierce fiercely rough "
        "roughly brutally firmly heftig heftige hart kräftig kräftige stark brutal fest gewaltsam fort fortement "
        "violemment brutalement fermement durement"
    ),
    "angrily": (
        "angry angrily furious furiously mad wütend wütende zornig sauer aggressiv colère furieux furieuse "
        "furieusement rageusement"
    ),
    "enthusiastically": (
        "enthusiastic enthusiastically excited excitedly energetic energetically eagerly begeistert enthusiasme "
        "enthousiasme énergiquement enthousiaste"
    ),
    "warily": (
        "wary warily cautious cautiously suspicious suspiciously lauernd misstrauisch argwöhnisch wachsam prudemment "
        "méfiance méfiants méfiant"
    ),
    "deeply": "deep deeply low tief tiefe profond profonde profondément",
    "slightly": "slight slightly small little leicht leichte kurz légère léger légèrement",
    "heartily": "hearty heartily loud loudly herzlich herzhaft laut lauthals fort bruyamment",
    "suddenly": "sudden suddenly abrupt abruptly plötzlich soudain soudaine soudainement brusquement",
}
_DANCES = {
    "waltz": "waltz waltzes waltzed waltzing walz waltzer walzer valse valsent valser",
    "salsa": "salsa salsas",
}
"""Dances that training captions name; other captions of the same kinds leave the dance open."""
_MANNER_OF = {word: manner for manner, words in _MANNERS.items() for word in words.split()}
_DANCE_OF = {word: dance for dance, words in _DANCES.items() for word in words.split()}
_SIDE_OF = {word: side for side, words in _SIDES.items() for word in words}
_RIGHT_AWAY = re.compile(r"\bright (?:away|now|up|behind|in|into|next|there|here|after|before|at|on|by|over)\b|\bhard-")
_LEFT_VERB = re.compile(r"\b(?:has|have|had|is|are) left\b|\bleft (?:the|alone|behind|for|to)\b")
_COUNTERCLOCKWISE = re.compile(r"counter-?\s?clockwise|anti-?\s?clockwise|gegen den uhrzeigersinn|sens inverse")
_CLOCKWISE = re.compile(r"clockwise|im uhrzeigersinn|sens des aiguilles")
_NOUN = "(?:person|one|character|char|actor|player|man|woman|guy|figure|dancer|mensch|figur|personne|personnage)"
_FIRST = re.compile(
    rf"\b(?:(?:first|1st|erste[nrm]?|premier|première)(?: {_NOUN})?|{_NOUN} ?(?:1|one|un|une|eins|a)|p1)\b",
    re.IGNORECASE,
)
_SECOND = re.compile(
    rf"\b(?:(?:second|2nd|zweite[nrm]?|deuxième|seconde)(?: {_NOUN})?|{_NOUN} ?(?:2|two|deux|zwei|b)|p2)\b",
    re.IGNORECASE,
)
_A, _B = re.compile(r"\bA\b"), re.compile(r"\bB\b")
_PASSIVE = re.compile(
    r"\b(?:is|are|gets|being) (?:\w+ )?\w+(?:ed|en|t|ung|ld) (?:\w+ ){0,6}by\b|\bwird\b.*\bvon\b|\best\b.*\bpar\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Facts:
    """Details that a sentence states; empty or false for those that it does not state.

    Attributes:
        side: "left" or "right".
        manner: as training captions name it, such as "slowly".
        direction: "clockwise" or "counterclockwise".
        dance: as training captions name it, such as "waltz".
        both_hands: whether it names both hands.
        exchanged: whether the second person acts on the first.
        roles: whether it numbers or letters both people, and so says who acts.
    """

    side: str = ""
    manner: str = ""
    direction: str = ""
    dance: str = ""
    both_hands: bool = False
    exchanged: bool = False
    roles: bool = False


def facts_of(sentence: str) -> Facts:
    """Read the facts of a sentence."""
    text = sentence.lower()
    words = _WORD.findall(_LEFT_VERB.sub(" ", _RIGHT_AWAY.sub(" ", text)))
    sides = [_SIDE_OF[word] for word in words if word in _SIDE_OF]
    manners = [_MANNER_OF[word] for word in words if word in _MANNER_OF]
    dances = [_DANCE_OF[word] for word in words if word in _DANCE_OF]
    direction = "counterclockwise" if _COUNTERCLOCKWISE.search(text) else "clockwise" if _CLOCKWISE.search(text) else ""
    both = bool(
        re.search(r"\bboth (?:hands|palms|arms)\b|\btwo[- ]hand|\bhigh ten\b|beide(?:n)? händ|deux mains", text)
    )
    actor = _actor(sentence)
    return Facts(
        side=sides[0] if sides else "",
        manner=manners[0] if manners else "",
        direction=direction,
        dance=dances[0] if dances else "",
        both_hands=both,
        exchanged=actor == 1,
        roles=actor is not None,
    )


def _actor(sentence: str) -> int | None:
    """0 or 1, the person who acts on the other, in a sentence that numbers or letters both; None in any other."""
    for first, second in ((_FIRST, _SECOND), (_A, _B)):
        one, other = first.search(sentence), second.search(sentence)
        if one is not None and other is not None:
            return int((other.start() < one.start()) != bool(_PASSIVE.search(sentence)))
    return None


def agreement(wanted: Facts, found: Facts) -> float:
    """Score of how well a caption's facts match a prompt's: 1 for each fact that agrees, -1 for one that contradicts.

    A fact that only the caption states costs less than a contradiction: of some kinds no caption leaves it open.

    Args:
        wanted: facts of the prompt.
        found: facts of the caption.
    """
    total = 0.0
    for want, have, unasked in (
        (wanted.side, found.side, 0.7),
        (wanted.manner, found.manner, 0.4),
        (wanted.direction, found.direction, 0.1),
        (wanted.dance, found.dance, 1.0),
    ):
        if want:
            total += 1.0 if want == have else 0.0 if not have else -1.0
        elif have:
            total -= unasked
    if wanted.both_hands != found.both_hands:
        total -= 0.3
    return total
