"""What is asked: the table ``[advise]`` of a settings file."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from wolfnote.models import Sampling
from wolfnote.settings import Count, Share

Name = Literal["exact", "contains", "f1", "json", "regex", "numeric", "judge", "style", "refusal"]
Price = Annotated[float, msgspec.Meta(ge=0)]
GREEDY = Sampling(temperature=0.0, top_p=1.0, max_tokens=64)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How arms are asked, scored, priced and compared. Prices are for a million tokens."""

    tolerance: Share = 0.05
    """Points (as a share of 1) by which a cheaper arm may be worse than the best, and a tune must be better to be worth it."""
    target: Share = 0.0
    """The score that is good enough; 0 = none is set."""
    score: Name = "contains"
    """How answers are scored where an item does not say."""
    passages: Count = 3
    """Passages that retrieval puts before a question."""
    shots: Count = 4
    """Examples that few-shot puts before a question, the likest first."""
    size: Annotated[int, msgspec.Meta(ge=100)] = 800
    """Characters of a passage at most."""
    examples: Share = 0.3
    """Part of the documents or customers whose items serve as examples and are not asked, where no item says which."""
    timed: int = 20
    """Questions an arm is asked one by one, to time them; 0 = latency is not measured."""
    sampling: Sampling = GREEDY
    """How answers are drawn, the same in all arms."""
    seed: int = 0
    system: str = ""
    """The system prompt that the tuned model was trained with; base and tuned are asked under it."""
    judge: str = ""
    """Spec of the model that scores items whose score is ``judge``."""
    alignment: bool = True
    """Whether each arm is probed against the base; a tune that was not is never recommended."""
    price_in: Price = 0.0
    """Of the untuned model; 0 for both = those of ``[remote]``."""
    price_out: Price = 0.0
    tuned_price_in: Price = 0.0
    """Of the tuned model; 0 for both = the same as the untuned one's."""
    tuned_price_out: Price = 0.0
    tuning_cost: Price = 0.0
    """What the tune costs in the period that you count in: training, evaluation, retraining, monitoring."""
