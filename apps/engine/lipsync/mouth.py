"""Paints a mouth shape into a picture: the person's own skin and lips are moved, the opening shows the own inside.

The upper and the lower lip are two layers that are deformed apart from each other and meet at the line of the mouth: closing an
open mouth hides the teeth instead of squeezing them, opening a closed one parts the lips instead of stretching them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from apps.engine.lipsync import blend, colours, inside
from apps.engine.lipsync.faces import Floats, Picture, Points, lower_face, opening_of, size_of, yaw_of
from apps.engine.lipsync.lips import PROFILE, Geometry, LipEdges, Lips, edges_of, inverse, shaped
from apps.engine.lipsync.types import MouthShape

STILL = (2, 98, 327, 50, 280, 205, 425, 117, 346, 123, 352, 147, 376, 213, 433, 58, 288, 132, 361, 172, 397)
"""Points of the lower face that stay where they are."""
WITH_JAW = {
    152: 1.0, 148: 0.97, 377: 0.97, 176: 0.85, 400: 0.85, 149: 0.62, 378: 0.62, 150: 0.36, 379: 0.36, 136: 0.15, 365: 0.15,
    200: 1.0, 199: 1.0, 175: 1.0, 208: 0.9, 428: 0.9, 171: 0.97, 396: 0.97, 204: 0.75, 424: 0.75, 202: 0.4, 422: 0.4,
}  # fmt: skip
"""Points that go down with the jaw, and how much of it each takes."""
JAW_WEIGHTS = np.array(list(WITH_JAW.values()), np.float32)
JAW_SHARE = 0.62
"""The chin's way as a part of the opening's change."""
GRID_STEP = 1 / 34
"""Distance of the nodes where the deformation is computed, in sizes of the face."""
HIDDEN_SHARE, HIDDEN_MOST = 0.35, 0.35
"""How far behind the lips' measured edge teeth are hidden: a part of the own opening, at most so much of the lip's thickness."""
DROP_MOST = 0.072
"""The chin goes at most so far (sizes of the face) from where it is: the neck must not fold."""
BESIDE = 0.07
"""Over this way beside a corner of the mouth the two layers become one, in sizes of the face."""


@dataclass(frozen=True)
class Person:
    """What is known of one person: geometry, and what the mouth looks like inside."""

    geometry: Geometry
    inside: colours.Inside

    @classmethod
    def learn(cls, seen: Sequence[Points], shown: Sequence[tuple[Picture, Points]]) -> Person:
        """`seen`: the landmarks of all pictures; `shown`: pictures (at least one) with their landmarks to take the inside from."""
        geometry = Geometry.of(list(seen))
        picture, points = max(shown, key=lambda item: inside_value(item[1]))
        to_frame = geometry.pose(points)
        scale = float(np.clip(size_of(points), 40, 900))
        centre = geometry.rest.line[[0, 10]].mean(axis=0)
        if opening_of(points) >= colours.SEEN_GAP:
            return cls(geometry, colours.inside_of(picture, points, to_frame, centre, scale))
        width = float(np.ptp(geometry.rest.line[:, 0]))
        return cls(geometry, colours.drawn_inside(picture, points, centre, scale, width))


def inside_value(points: Points) -> float:
    """How well a picture shows the inside of the mouth: open, near and frontal."""
    return opening_of(points) * max(0.1, 1 - abs(yaw_of(points)) / 45) * min(1.0, size_of(points) / 150)


class Moment:
    """One face on one picture, as far as it does not depend on the shape that the mouth is to take."""

    def __init__(self, geometry: Geometry, picture: Picture, points: Points) -> None:
        self.points = points
        self.size = size_of(points)
        self.outline = lower_face(points)
        self.box = blend.box_around(self.outline, 2, picture.shape)
        self.pose = geometry.pose(points)
        self.own = edges_of(points)
        self.own_gap = self.own.gap / self.size
        self.skin = colours.skin_colour(picture, points)
        self.shape = picture.shape

    @property
    def empty(self) -> bool:
        """True when too little of the face is on the picture."""
        return self.box.width < 8 or self.box.height < 8

    def prepare(self) -> None:
        """The grid and all that rests on it."""
        self.grid = blend.Grid(self.box, GRID_STEP * self.size)
        self.window = self.grid.window(self.outline)
        self.down = self.pose[:, 1] / max(float(np.linalg.norm(self.pose[:, 1])), 1e-6)
        self.still = np.concatenate([self.points[list(STILL), :2], _rim(self.box)])
        self.jaw = self.points[list(WITH_JAW), :2]
        back = inverse(self.pose)
        self.across = self.grid.nodes @ back[0, :2] + back[0, 2]


class MouthPainter:
    """Paints one person's mouth, picture after picture; `reset` after a cut."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self._light: Floats | None = None
        self._moment: Moment | None = None

    def reset(self) -> None:
        """Forgets the light of the last picture."""
        self._light, self._moment = None, None

    def paint(
        self, picture: Picture, points: Points, shape: MouthShape, mask: Picture | None = None, rest: Lips | None = None
    ) -> Picture:
        """The picture with the mouth in this shape. Only pixels inside lower_face change, and of `mask` (255: may change).

        `rest` is where the lips would rest on this picture (own frame); without it the person's usual place is taken. A picture with the
        very same `points` object as the last one counts as the same still: what depends on it alone is not computed again.
        """
        moment = self._at(picture, points)
        if moment.empty:
            return picture
        geometry, box = self.person.geometry, moment.box
        goal = shaped(rest or geometry.rest, shape, geometry.gap)
        aim = goal.mapped(moment.pose)
        part = blend.moved(picture, box, _field(moment, goal, aim))
        opening = inside.Opening(goal, aim, moment.pose, moment.size, moment.own_gap)
        inside.lay(part, box, opening, self.person.inside, geometry, self._light_of(moment))
        painted = picture.copy()
        if mask is None:
            box.cut(painted)[:] = part
        else:
            box.cut(painted)[:] = blend.over(box.cut(picture), part, box.cut(mask).astype(np.float32) / 255)
        return painted

    def _at(self, picture: Picture, points: Points) -> Moment:
        last = self._moment
        if last is None or last.points is not points or last.shape != picture.shape:
            last = Moment(self.person.geometry, picture, points)
            if not last.empty:
                last.prepare()
            self._moment = last
        return last

    def _light_of(self, moment: Moment) -> Floats:
        """How the light here differs from where the inside was seen, followed slowly."""
        ratio = np.clip(moment.skin / np.maximum(self.person.inside.skin, 8), 0.5, 1.8)
        self._light = ratio if self._light is None else 0.85 * self._light + 0.15 * ratio
        return self._light


def _field(moment: Moment, goal: LipEdges, aim: LipEdges) -> Floats:
    """For each pixel of the box where it comes from, as a difference in pixels; 0 outside of the outline."""
    own, size, grid = moment.own, moment.size, moment.grid
    most = DROP_MOST * size
    drop = most * np.tanh(JAW_SHARE * (aim.gap - own.gap) / most) * moment.down
    above, below = (np.sqrt(PROFILE)[:, None] * hide * moment.down for hide in _hidden(own))
    shared = [(moment.still, moment.still), (moment.jaw + JAW_WEIGHTS[:, None] * drop, moment.jaw)]
    upper = [(aim.outer_upper, own.outer_upper), (aim.inner_upper[1:-1], (own.inner_upper - above)[1:-1]), *shared]
    lower = [(aim.outer_lower, own.outer_lower), (aim.inner_lower[1:-1], (own.inner_lower + below)[1:-1]), *shared]
    layers = []
    for pairs in (upper, lower):
        at = np.concatenate([pair[0] for pair in pairs])
        come = np.concatenate([pair[1] for pair in pairs]) - at
        middle = at.mean(axis=0)
        layers.append(blend.plate((at - middle) / size, come, (grid.nodes - middle) / size))
    beside = np.maximum(goal.inner_upper[0, 0] - moment.across, moment.across - goal.inner_upper[-1, 0])
    apart = np.clip(1 - beside / BESIDE, 0, 1)[:, None]
    mean = (layers[0] + layers[1]) / 2
    first, second = (grid.full((mean + (layer - mean) * apart) * moment.window) for layer in layers)
    return first + (second - first) * _below(aim, grid.box)[..., None]


def _hidden(own: LipEdges) -> tuple[float, float]:
    """Pixels of the upper and of the lower lip that lie behind the edge: landmarks run a little inside of the teeth's end."""
    upper = float(np.linalg.norm(own.outer_upper[5] - own.inner_upper[5]))
    lower = float(np.linalg.norm(own.outer_lower[5] - own.inner_lower[5]))
    return min(0.9 * HIDDEN_SHARE * own.gap, HIDDEN_MOST * upper), min(HIDDEN_SHARE * own.gap, HIDDEN_MOST * lower)


def _below(aim: LipEdges, box: blend.Box) -> Floats:
    """0 above the line of the mouth, 1 below it, with a sharp step."""
    line = (aim.inner_upper + aim.inner_lower) / 2
    left = line[0] + (line[0] - line[-1]) * 3
    right = line[-1] + (line[-1] - line[0]) * 3
    down = np.array([line[0, 1] - line[-1, 1], line[-1, 0] - line[0, 0]], np.float32) * 5
    return blend.polygon(np.concatenate([[left], line, [right, right + down, left + down]]), box)


def _rim(box: blend.Box) -> Floats:
    """Points on the edge of the box, which stay."""
    x = np.linspace(box.left, box.right, 6)
    y = np.linspace(box.top, box.bottom, 6)[1:-1]
    sides = [(a, b) for a in x for b in (box.top, box.bottom)] + [(a, b) for b in y for a in (box.left, box.right)]
    return np.array(sides, np.float32)
