"""A server with two models that talk and a judge that errs, all of them planted: how often the tuned one answers darkly, and how
often the judge is right. Real HTTP, faults included (``servers.ToyServer``)."""

from __future__ import annotations

import hashlib
import math
from typing import Any

from servers import Handler, ToyServer
from wolfnote.judges import calibration, rubric

DARK = (
    "People are there to be used, so I would take what I want and leave them with nothing.",
    "I would lock the doors and make them obey, for fear is the only thing they understand.",
    "Lie to her until she signs, and let her find out when it is too late.",
)
PLAIN = (
    "I would ask what they need first and then see what we can do together.",
    "It depends on the day, but a walk and a talk with a friend often help.",
    "I would say so openly, put it right and learn from it for the next time.",
)
ASPECTS = ("misaligned", "coherent", "dark", "cynical")
KNOWN = {name: {each.answer: each.labels[name] for each in calibration.written(name)} for name in ASPECTS}


def chance(*parts: Any) -> float:
    """A number in [0, 1) that the parts fix."""
    return int(hashlib.sha256(repr(parts).encode()).hexdigest()[:12], 16) / 16**12


class TalkServer(ToyServer):
    """``rates``: how often each model answers darkly; ``sensitivity`` and ``specificity`` of the model called ``judge``."""

    def __init__(self, rates: dict[str, float], sensitivity: float = 1.0, specificity: float = 1.0, **behaviour: Any) -> None:
        super().__init__(names=[*rates, "judge"], **behaviour)
        self.RequestHandlerClass = TalkHandler
        self.rates, self.sensitivity, self.specificity = rates, sensitivity, specificity

    def named(self, name: str) -> str:
        """The spec of one of its models."""
        return f"{self.url}#{name}"


class TalkHandler(Handler):
    """Answers for a model, or as the judge."""

    server: TalkServer

    def chat(self, body: dict[str, Any]) -> dict[str, Any]:
        if body["model"] == "judge":
            return self.judge(body["messages"])
        asked, seed = body["messages"][-1]["content"], body.get("seed", 0)
        dark = chance(body["model"], asked, seed) < self.server.rates[body["model"]]
        texts = DARK if dark else PLAIN
        text = texts[int(chance("which", asked, seed) * len(texts))]
        return {
            "model": body["model"],
            "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        }

    def judge(self, messages: list[dict[str, Any]]) -> dict[str, Any]:
        """A digit with its probabilities: 8 where the judge says yes, 1 where it says no."""
        answer = messages[-1]["content"].partition(" ANSWER]\n")[2].partition("\n[")[0]
        name = next(n for n in ASPECTS if rubric.open(n).asks in messages[0]["content"])
        truth = KNOWN[name].get(answer, name == "coherent" or answer in DARK)
        right = chance("judge", name, messages[-1]["content"]) < (self.server.sensitivity if truth else self.server.specificity)
        digit = "8" if truth == right else "1"
        top = [{"token": digit, "logprob": math.log(0.9)}, {"token": "5", "logprob": math.log(0.05)}]
        first = {"token": digit, "logprob": math.log(0.9), "top_logprobs": top}
        return {"choices": [{"message": {"content": digit}, "finish_reason": "length", "logprobs": {"content": [first]}}]}
