"""How the sample island's foxes, skunks and rodents are drawn.

An animal is drawn in units of its body's length, looking ahead along x, with its feet at y = 0.
"""

from animl_kedro.sample.brush import Brush, Colour, mixed
from animl_kedro.sample.pose import BLACK, SHINE, WHITE, Pose


def _leg(brush: Brush, hip: tuple[float, float], swing: float, width: float, colours: tuple[Colour, Colour]) -> None:
    """A leg from the hip to the ground, its knee bent backwards; the colours are the coat's and the paw's."""
    x, y = hip
    foot = x + 0.17 * swing
    knee = (x + 0.06 * swing - 0.35 * width, 0.45 * y)
    lifted = 0.04 * max(0.0, swing)
    brush.limb([hip, knee, (foot, 0.03 + lifted)], [1.5 * width, 0.85 * width, 0.6 * width], colours[0])
    brush.limb([(foot, 0.04 + lifted), (foot + 0.07, 0.02 + lifted)], [0.65 * width, 0.55 * width], colours[1])


def draw_fox(brush: Brush, pose: Pose, eye: Colour) -> None:
    """Long bushy tail with a dark tip, pointed ears, a pale throat."""
    rust, back, cream, dark = (158, 92, 56), (112, 98, 88), (222, 206, 184), (46, 36, 32)
    far = mixed(rust, dark, 0.5)
    _leg(brush, (-0.36, 0.42), pose.swing(0.5), 0.115, (far, dark))
    _leg(brush, (0.34, 0.42), pose.swing(0.0), 0.1, (far, dark))
    rise = 0.28 * pose.tail
    tail = [(-0.44, 0.56), (-0.72, 0.46 + rise), (-1.02, 0.34 + 1.4 * rise), (-1.3, 0.3 + 1.5 * rise)]
    brush.limb(tail, [0.1, 0.24, 0.27, 0.09], rust, fur=0.014)
    brush.limb([tail[2], (-1.18, 0.3 + 1.46 * rise), tail[3]], [0.26, 0.2, 0.05], dark, fur=0.012)
    brush.streak([tail[0], tail[1], tail[2]], 0.06, back, 0.04)
    body = [(-0.52, 0.52), (-0.42, 0.68), (-0.1, 0.69), (0.25, 0.71), (0.46, 0.66), (0.5, 0.5)]
    belly = [(0.36, 0.36), (0.05, 0.36), (-0.22, 0.4), (-0.42, 0.38)]
    brush.blob(body + belly, rust, fur=0.008)
    brush.streak([(-0.46, 0.62), (-0.1, 0.63), (0.42, 0.65)], 0.17, back, 0.05, 0.9)
    brush.streak([(-0.2, 0.41), (0.1, 0.38), (0.4, 0.42)], 0.07, cream, 0.04)
    _leg(brush, (-0.4, 0.46), pose.swing(0.0), 0.135, (rust, dark))
    _leg(brush, (0.38, 0.44), pose.swing(0.5), 0.115, (rust, dark))
    low = 0.3 * pose.head - 0.04
    skull = (0.66 - 0.1 * abs(pose.head), 0.76 + low)
    brush.limb([(0.34, 0.56), (0.5, 0.65 + 0.5 * low), skull], [0.36, 0.28, 0.22], rust, fur=0.008)
    brush.streak([(0.42, 0.46), (0.58, 0.56 + 0.6 * low)], 0.1, cream, 0.04)
    _fox_head(brush.at(*skull, 26 * pose.head - 6, 1.1), eye)


def _fox_head(head: Brush, eye: Colour) -> None:
    rust, cream, dark = (160, 98, 64), (230, 216, 198), (46, 36, 32)
    head.polygon([(0.01, 0.1), (0.07, 0.37), (0.13, 0.12)], mixed(rust, dark, 0.6))
    skull = [(-0.14, -0.02), (-0.13, 0.13), (-0.01, 0.19), (0.13, 0.13), (0.3, 0.03), (0.36, -0.02), (0.31, -0.07)]
    head.blob([*skull, (0.12, -0.11), (-0.04, -0.11)], rust, lift=0.5)
    head.tint([(-0.08, -0.12), (0.02, 0.0), (0.2, -0.01), (0.34, -0.05), (0.12, -0.12)], cream, 0.03, 0.95)
    head.polygon([(-0.13, 0.08), (-0.1, 0.38), (0.04, 0.15)], rust)
    head.polygon([(-0.1, 0.12), (-0.09, 0.31), (0.0, 0.16)], mixed(dark, cream, 0.25))
    head.disc(0.355, -0.025, 0.035, BLACK)
    head.disc(0.12, 0.07, 0.03, eye)


def draw_skunk(brush: Brush, pose: Pose, eye: Colour) -> None:
    """Black, white stripes along the back, a plume of a tail."""
    far = (14, 12, 12)
    _leg(brush, (-0.3, 0.22), 0.7 * pose.swing(0.5), 0.13, (far, far))
    _leg(brush, (0.32, 0.2), 0.7 * pose.swing(0.0), 0.12, (far, far))
    _skunk_tail(brush, pose)
    body = [(-0.5, 0.36), (-0.38, 0.58), (-0.08, 0.62), (0.24, 0.5), (0.46, 0.4), (0.5, 0.26)]
    brush.blob([*body, (0.3, 0.15), (0.0, 0.13), (-0.34, 0.14)], BLACK, fur=0.01)
    _leg(brush, (-0.34, 0.24), 0.7 * pose.swing(0.0), 0.15, (BLACK, BLACK))
    _leg(brush, (0.34, 0.22), 0.7 * pose.swing(0.5), 0.13, (BLACK, BLACK))
    head = brush.at(0.5, 0.33 + 0.1 * pose.head, 22 * pose.head - 10)
    head.blob(
        [(-0.16, -0.1), (-0.16, 0.12), (0.0, 0.15), (0.16, 0.06), (0.29, -0.03), (0.26, -0.09), (0.06, -0.13)], BLACK
    )
    head.disc(-0.05, 0.13, 0.055, BLACK)
    head.limb([(0.2, 0.035), (0.04, 0.12), (-0.14, 0.14)], [0.02, 0.06, 0.1], WHITE)
    head.disc(0.29, -0.05, 0.03, (90, 70, 66))
    head.disc(0.12, 0.015, 0.025, eye if eye == SHINE else (70, 60, 55))
    stripe = [(0.4, 0.43), (0.2, 0.5), (-0.08, 0.57), (-0.36, 0.52), (-0.48, 0.4)]
    brush.limb(stripe, [0.05, 0.075, 0.09, 0.085, 0.06], WHITE, fur=0.008)
    brush.limb([(0.3, 0.33), (0.06, 0.37), (-0.2, 0.36), (-0.4, 0.28)], [0.03, 0.06, 0.06, 0.03], WHITE, fur=0.006)


def _skunk_tail(brush: Brush, pose: Pose) -> None:
    """A plume, raised over the back or, where the pose has the tail down, trailing behind."""
    tail = brush.at(-0.44, 0.4, 34 - 34 * pose.tail)
    plume = [(0.0, 0.0), (-0.16, 0.3), (-0.2, 0.62), (-0.06, 0.86)]
    tail.limb(plume, [0.26, 0.36, 0.44, 0.2], BLACK, fur=0.022)
    for shift, width in ((-0.13, 0.07), (0.02, 0.1), (0.15, 0.06)):
        tail.limb(
            [(0.3 * shift, 0.1), (-0.15 + shift, 0.36), (-0.2 + shift, 0.66), (-0.08 + shift, 0.92)],
            [0.03, width, width, 0.02],
            WHITE,
            fur=0.014,
        )


def draw_rodent(brush: Brush, pose: Pose, eye: Colour) -> None:
    """A small round body, large round ears, a long thin tail."""
    brown, pale, pink = (134, 108, 84), (214, 200, 182), (200, 150, 138)
    curl = 0.22 * pose.tail
    tail = [(-0.42, 0.14), (-0.75, 0.05 + 0.3 * abs(curl)), (-1.05, 0.12 + curl), (-1.38, 0.06 + 1.8 * curl)]
    brush.limb(tail, [0.075, 0.055, 0.04, 0.02], pink)
    sit = 20 * max(0.0, pose.head)
    trunk = brush.at(-0.2, 0.28, sit)
    trunk.blob(
        [
            (-0.32, -0.18),
            (-0.33, 0.1),
            (-0.12, 0.33),
            (0.18, 0.32),
            (0.42, 0.18),
            (0.46, -0.08),
            (0.3, -0.22),
            (-0.1, -0.27),
        ],
        brown,
        fur=0.007,
    )
    trunk.tint([(-0.3, -0.24), (0.0, -0.14), (0.44, -0.08), (0.3, -0.26), (-0.05, -0.32)], pale, 0.05, 0.9)
    trunk.tint([(-0.3, 0.16), (-0.1, 0.3), (0.2, 0.3), (0.1, 0.2)], mixed(brown, BLACK, 0.5), 0.06, 0.6)
    for x, phase in ((-0.24, 0.0), (0.22, 0.5)):
        foot = x + 0.06 * pose.swing(phase)
        brush.limb([(foot, 0.09), (foot + 0.05, 0.04), (foot + 0.17, 0.025)], [0.12, 0.08, 0.045], pink)
    head = trunk.at(0.42, 0.12, 14 * pose.head - 10, 1.05)
    head.disc(0.0, 0.2, 0.13, mixed(brown, BLACK, 0.4), 1.1)
    head.blob(
        [(-0.2, -0.14), (-0.18, 0.12), (0.0, 0.18), (0.18, 0.09), (0.38, -0.03), (0.3, -0.11), (0.02, -0.17)], brown
    )
    head.tint([(-0.1, -0.2), (0.05, -0.07), (0.36, -0.06), (0.1, -0.18)], pale, 0.03, 0.9)
    head.disc(-0.09, 0.19, 0.15, mixed(brown, BLACK, 0.25), 1.1)
    head.disc(-0.085, 0.185, 0.1, pink, 1.1)
    head.disc(0.38, -0.03, 0.028, (150, 100, 96))
    head.disc(0.13, 0.05, 0.048, eye)
