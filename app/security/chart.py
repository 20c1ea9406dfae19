"""Where does each team stand in the picture of the organisation? Boxes and lines in pixels, and nothing else. Pure.

What has one team on top stands under it; the teams side by side below begin a column each, and everything under them
hangs there, a step to the right a level. Columns that are too many for one line go on in the next, so that the picture
is never wider than a screen, however many teams there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

#: a line of columns is at most so wide: beside the menu on a screen of 1366
WIDEST = 1060
BOX = 232
STEP = 24
GAP = 12
BETWEEN = 20
LINE = 17
FACE = 16
_TEXT_X, _TOP = 48, 12
_LETTERS, _MOST_LINES = 22, 4
_LETTERS_SMALL = 26
CUT = "…"
#: what stands in the place of a team's id
COMPANY, OUTSIDE = 0, -1


class Placed(Protocol):
    """A team as it is drawn."""

    id: int
    name: str
    head: str
    people: int

    @property
    def below(self) -> Sequence[Placed]: ...


@dataclass(frozen=True)
class Box:
    """One team, the company on top (`id` COMPANY) or those in no team (OUTSIDE): its corner, its size and its words."""

    id: int
    x: int
    y: int
    height: int
    lines: Sequence[str]
    name: str
    head: str
    people: int
    is_cut: bool

    @property
    def initial(self) -> str:
        """Of the given name, which stands last."""
        words = self.head.split()
        return words[-1][0].upper() if words else ""

    @property
    def head_line(self) -> str:
        return self.head if len(self.head) <= _LETTERS_SMALL else self.head[: _LETTERS_SMALL - 1] + CUT

    @property
    def text_x(self) -> int:
        return self.x + _TEXT_X

    def line_y(self, number: int) -> int:
        """Where the words of a line stand; behind the name come the head and the number of people."""
        told = len(self.lines) + (1 if self.head else 0) + 1
        return self.y + (self.height - told * LINE) // 2 + 13 + number * LINE


@dataclass
class Picture:
    """Everything that is drawn. `lines` are paths of straight strokes."""

    boxes: list[Box] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    width: int = 0
    height: int = 0


def wrapped(name: str, letters: int = _LETTERS, most: int = _MOST_LINES) -> tuple[list[str], bool]:
    """The name in lines of so many letters, and whether some of it is left out: a box has no room for more."""
    lines: list[str] = [""]
    for word in _broken(name.split(), letters):
        longer = f"{lines[-1]} {word}".strip()
        if len(longer) <= letters:
            lines[-1] = longer
        else:
            lines.append(word)
    if len(lines) <= most:
        return lines, False
    return [*lines[: most - 1], lines[most - 1][: letters - 1] + CUT], True


def _broken(words: Sequence[str], letters: int) -> Iterator[str]:
    for word in words:
        for start in range(0, len(word), letters):
            yield word[start : start + letters]


def draw(company: str, people: int, tops: Sequence[Placed]) -> Picture:
    """The picture of all teams under the company, in which so many people work."""
    picture = Picture()
    bottom, level = _put(picture, COMPANY, company, "", people, 0, 0), tops
    # One above all others stands alone on its line.
    while len(level) == 1 and level[0].below:
        one = level[0]
        picture.lines.append(_down(STEP, bottom, bottom + GAP))
        bottom, level = _put(picture, one.id, one.name, one.head, one.people, 0, bottom + GAP), one.below
    trunk, y = STEP // 2, bottom
    for columns in _in_lines(level):
        bus, x, lowest = y + BETWEEN, BETWEEN + STEP // 2, 0
        picture.lines.append(_down(trunk, bottom, bus))
        starts = []
        for node in columns:
            starts.append(x + BOX // 2)
            lowest = max(lowest, _hang(picture, node, x, bus + GAP))
            x += _width(node) + BETWEEN
        picture.lines.append(f"M{trunk} {bus}H{starts[-1]}")
        picture.lines += [_down(start, bus, bus + GAP) for start in starts]
        y = lowest
    picture.width = max(box.x + BOX for box in picture.boxes) + 1
    picture.height = max(box.y + box.height for box in picture.boxes) + 1
    return picture


def _in_lines(level: Sequence[Placed]) -> Iterator[list[Placed]]:
    """The columns, as many in a line as it has room for."""
    columns: list[Placed] = []
    used = BETWEEN
    for node in level:
        if columns and used + _width(node) + BETWEEN > WIDEST:
            yield columns
            columns, used = [], BETWEEN
        columns.append(node)
        used += _width(node) + BETWEEN
    if columns:
        yield columns


def _width(node: Placed) -> int:
    """Of the column that begins with this team."""
    return BOX + STEP * _levels_below(node)


def _levels_below(node: Placed) -> int:
    levels, level = 0, list(node.below)
    while level:
        levels, level = levels + 1, [below for one in level for below in one.below]
    return levels


def _hang(picture: Picture, node: Placed, x: int, y: int) -> int:
    """The team at this corner and all below it, in the order of reading; where the last of them ends.

    Step by step and not by calling itself: a tree may be deeper than that reaches.
    """
    ends = end = _put(picture, node.id, node.name, node.head, node.people, x, y)
    waiting = [(one, x, end) for one in reversed(node.below)]
    while waiting:
        one, above_x, above_end = waiting.pop()
        top, left = ends + GAP, above_x + STEP
        picture.lines.append(f"M{above_x + STEP // 2} {above_end}V{top + _TOP + 8}H{left}")
        ends = _put(picture, one.id, one.name, one.head, one.people, left, top)
        waiting += [(below, left, ends) for below in reversed(one.below)]
    return ends


def _put(picture: Picture, number: int, name: str, head: str, people: int, x: int, y: int) -> int:
    """One box; where it ends."""
    lines, is_cut = wrapped(name)
    told = len(lines) + (1 if head else 0) + 1
    height = max(2 * _TOP + told * LINE - 4, 2 * _TOP + 2 * FACE)
    picture.boxes.append(Box(number, x, y, height, lines, name, head, people, is_cut))
    return y + height


def _down(x: int, top: int, bottom: int) -> str:
    return f"M{x} {top}V{bottom}"
