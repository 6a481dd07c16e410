"""How the sample island's birds and lizards are drawn.

An animal is drawn in units of its body's length, looking ahead along x, with its feet at y = 0.
"""

import dataclasses

import numpy as np

from animl_kedro.sample.brush import Brush, Colour, mixed
from animl_kedro.sample.pose import Pose


def draw_bird(brush: Brush, pose: Pose, eye: Colour) -> None:
    """A round body on two thin legs, a beak, tail feathers, a wing."""
    slate, breast, wing, horn = (92, 116, 150), (206, 196, 182), (62, 78, 104), (66, 56, 44)
    for hip, phase in ((-0.06, 0.0), (0.08, 0.5)):
        foot = hip + 0.09 * pose.swing(phase)
        brush.limb([(hip, 0.42), (foot - 0.06, 0.22), (foot, 0.02)], [0.05, 0.035, 0.03], horn)
        for toe in (-0.1, 0.08, 0.13):
            brush.limb([(foot, 0.025), (foot + toe, 0.01)], [0.03, 0.02], horn)
    trunk = brush.at(0, 0.62, 16 + 22 * pose.head)
    lift = 0.1 * pose.tail
    for feather in (-0.035, 0.0, 0.035):
        tip = (-1.02 + abs(feather), 0.02 + 2 * lift + feather)
        trunk.limb(
            [(-0.34, 0.04), (-0.7, 0.03 + lift + feather), tip], [0.14, 0.1, 0.09], mixed(wing, slate, 6 * feather)
        )
    trunk.blob(
        [(-0.44, 0.04), (-0.2, 0.26), (0.14, 0.31), (0.38, 0.18), (0.4, -0.06), (0.2, -0.27), (-0.12, -0.24)], slate
    )
    trunk.tint([(0.36, 0.12), (0.42, -0.1), (0.18, -0.28), (-0.16, -0.24), (0.1, -0.08)], breast, 0.05, 1.0)
    head = trunk.at(0.36, 0.28, 12 * pose.head - 20)
    head.polygon([(0.12, 0.07), (0.42, -0.02), (0.12, -0.06)], horn)
    head.blob([(-0.2, -0.12), (-0.16, 0.12), (0.0, 0.19), (0.15, 0.09), (0.16, -0.06), (0.02, -0.18)], slate)
    head.tint([(-0.02, -0.2), (0.0, -0.06), (0.18, -0.05), (0.12, -0.18)], breast, 0.03, 0.9)
    head.disc(0.06, 0.05, 0.034, eye)
    _bird_wing(trunk, pose, wing)


def _bird_wing(trunk: Brush, pose: Pose, colour: Colour) -> None:
    """Folded along the body, or raised where the pose bends up."""
    raised = max(0.0, pose.bend - 0.45) * 130
    wing = trunk.at(0.2, 0.12, -raised)
    wing.blob(
        [(0.04, 0.03), (-0.14, 0.14), (-0.46, 0.06), (-0.78, -0.08), (-0.44, -0.16), (-0.1, -0.14)], colour, lift=0.4
    )
    for y in (-0.07, -0.02, 0.03):
        wing.streak([(-0.12, y + 0.02), (-0.4, y), (-0.68, y - 0.04)], 0.02, (190, 196, 204), 0.012, 0.7)


def draw_lizard(brush: Brush, pose: Pose, eye: Colour) -> None:
    """Seen from above and aside: the body lies flat, so what stands for y here is depth."""
    olive, dark, light = (116, 122, 66), (58, 54, 36), (196, 190, 130)
    flat = dataclasses.replace(
        brush.at(0.1, 0.2), matrix=brush.matrix @ np.array([[1.0, 0.0], [0.0, 0.62 + 0.2 * pose.head]])
    )
    wave = 0.16 * pose.bend
    spine = [(0.45, -0.3 * wave), (0.15, 0.5 * wave), (-0.2, 0.3 * wave), (-0.5, -0.6 * wave)]
    tail = [spine[-1], (-0.85, -1.3 * wave), (-1.2, 0.2 * wave), (-1.6, 1.8 * wave + 0.2 * pose.tail)]
    for x, side, phase in ((0.3, 1, 0.0), (0.3, -1, 0.5), (-0.38, 1, 0.5), (-0.38, -1, 0.0)):
        _lizard_leg(flat.at(x, 0.05 * side), side, 0.16 * pose.swing(phase), 1 if x > 0 else -1)
    flat.limb(tail, [0.19, 0.13, 0.075, 0.015], olive)
    flat.limb(spine, [0.17, 0.27, 0.29, 0.2], olive)
    flat.streak([*spine, *tail[1:]], 0.05, light, 0.012, 0.9)
    for number in range(9):
        x = 0.28 - 0.13 * number
        y = float(np.interp(-x, [-p[0] for p in (*spine, *tail[1:])], [p[1] for p in (*spine, *tail[1:])]))
        reach = 0.13 - 0.007 * number
        for side in (-1, 1):
            flat.streak([(x, y + 0.04 * side), (x - 0.04, y + reach * side)], 0.05, dark, 0.01, 0.9)
    head = flat.at(0.46, -0.3 * wave, 18 * pose.bend)
    head.blob(
        [(-0.06, -0.1), (-0.06, 0.1), (0.1, 0.13), (0.26, 0.07), (0.35, 0.0), (0.26, -0.07), (0.1, -0.13)],
        mixed(olive, light, 0.2),
    )
    head.streak([(0.0, 0.0), (0.2, 0.0)], 0.08, dark, 0.03, 0.4)
    for side in (-1, 1):
        head.disc(0.16, 0.085 * side, 0.03, eye)


def _lizard_leg(leg: Brush, side: int, swing: float, ahead: int) -> None:
    """Splayed: out from the body, then forwards or backwards, with three toes."""
    olive = (102, 106, 58)
    elbow, hand = (0.1 * ahead + swing, 0.24 * side), (0.24 * ahead + 0.5 * swing, 0.36 * side)
    leg.limb([(0.0, 0.0), elbow, hand], [0.11, 0.085, 0.06], olive)
    for toe in (-40, 0, 40):
        leg.at(*hand, 35 * side * ahead + toe).limb([(0, 0), (0.13 * ahead, 0)], [0.04, 0.02], olive)
