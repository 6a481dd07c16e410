"""How an animal stands, and the few colours that all species share."""

import dataclasses
import math

from animl_kedro.sample.brush import Colour

BLACK: Colour = (24, 21, 20)
WHITE: Colour = (236, 232, 224)
SHINE: Colour = (255, 255, 250)


@dataclasses.dataclass(frozen=True)
class Pose:
    """How an animal stands there; every species makes of it what suits its body.

    ``step`` is the phase of its gait in turns; ``head``, ``tail`` and ``bend`` run from -1 (down) to 1 (up);
    ``tilt`` is in degrees, uphill positive; ``turn`` foreshortens the body (1 is broadside); ``tone`` runs from -1
    (a dark individual) to 1 (a pale one).
    """

    step: float = 0.0
    head: float = 0.0
    tail: float = 0.0
    bend: float = 0.0
    tilt: float = 0.0
    turn: float = 1.0
    tone: float = 0.0
    mirrored: bool = False

    def swing(self, phase: float) -> float:
        """Where a foot is, from -1 (behind) to 1 (ahead), whose gait is `phase` turns late."""
        return math.sin(2 * math.pi * (self.step + phase))
