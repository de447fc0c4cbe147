"""Is the canary worse than it may be? Sums of whole numbers in, E-values out: valid however often one looks.

from wolfnote.canary.evidence import Observation, Reading, count, weigh
"""

from wolfnote.canary.evidence.change import Watch
from wolfnote.canary.evidence.observation import Answered, Counts, Observation, Reading, Seen, count, count_answered
from wolfnote.canary.evidence.order import Order
from wolfnote.canary.evidence.weighing import Evidence, Pause, estimates, weigh

__all__ = [
    "Answered",
    "Counts",
    "Evidence",
    "Observation",
    "Order",
    "Pause",
    "Reading",
    "Seen",
    "Watch",
    "count",
    "count_answered",
    "estimates",
    "weigh",
]
