"""The arms: one model asked in several ways, each a step up from the one before. All see the same items.

base              the question
prompt            the written prompt before it
few-shot          the prompt, and the examples likest the question
RAG               the prompt, and the passages likest the question
RAG + few-shot    both
tuned             the tuned model, asked as the base is; tuned + RAG: with the passages
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from wolfnote.advise import retrieval
from wolfnote.advise.documents import Library, Passage
from wolfnote.advise.retrieval import Retriever
from wolfnote.advise.settings import Settings
from wolfnote.advise.task import Item
from wolfnote.events import OnEvent, silent
from wolfnote.models import Conversation, Likelihood, Model, OnCompletion, Question, Sampling
from wolfnote.models.model import ignore
from wolfnote.records import Completion, Message

READ = "Answer from the passages. If they do not hold the answer, say that you don't know."


class Arm(NamedTuple):
    """One way to ask."""

    name: str
    prompt: bool = False
    shots: bool = False
    passages: bool = False
    tuned: bool = False


ARMS = (
    Arm("base"),
    Arm("prompt", prompt=True),
    Arm("few-shot", prompt=True, shots=True),
    Arm("RAG", prompt=True, passages=True),
    Arm("RAG + few-shot", prompt=True, shots=True, passages=True),
    Arm("tuned", tuned=True),
    Arm("tuned + RAG", passages=True, tuned=True),
)
TUNED = tuple(arm.name for arm in ARMS if arm.tuned)
WRITTEN = ("prompt", "few-shot")
"""What a tune must beat to be more than cosmetic."""


class Material(NamedTuple):
    """What the arms put around a question."""

    prompt: str
    system: str
    examples: dict[str, Item]
    """By the id of the passage that stands for each in ``likest``."""
    likest: Retriever | None
    passages: Retriever | None
    digest: str
    """Hash of what retrieval may find."""

    def shown(self, question: str, k: int) -> list[Passage]:
        """The passages that retrieval gives for a question."""
        return list(self.passages(question, k)) if self.passages else []


def material(
    settings: Settings, prompt: str, examples: Sequence[Item], library: Library | None, retriever: Retriever | None
) -> Material:
    """Indexes over examples and documents. ``retriever``: the user's own, in place of ours over ``library``."""
    rights = {f"example#{i}": item for i, item in enumerate(examples) if item.answers}
    likest = retrieval.over([Passage(key, "", item.question) for key, item in rights.items()]) if rights else None
    own = retriever or (retrieval.over(library.passages) if library else None)
    source = f"{library.digest if library else ''}|{[(i.question, i.answers) for i in rights.values()]}"
    digest = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()
    return Material(prompt, settings.system, rights, likest, own, digest)


def lacks(arm: Arm, found: Material, tuned: bool) -> str:
    """Why an arm cannot be asked, or ""."""
    if arm.tuned and not tuned:
        return "no tuned model is named: --tuned"
    if arm.passages and found.passages is None:
        return "no documents are named: --docs"
    return "no examples with a right answer: mark some items as split example" if arm.shots and found.likest is None else ""


def wear(arm: Arm, asked: Conversation, found: Material, settings: Settings) -> Conversation:
    """A conversation as this arm asks it: what is put before stands in the system prompt and in earlier turns."""
    system = [m.content for m in asked if m.role == "system"]
    rest = [m for m in asked if m.role != "system"]
    question = rest[-1].content if rest else ""
    head = [found.prompt if arm.prompt else found.system, READ if arm.passages else ""]
    before = [Message("system", "\n\n".join(filter(None, (*head, *system))))] if any((*head, *system)) else []
    if arm.shots and found.likest is not None:
        for passage in reversed(found.likest(question, settings.shots)):  # the likest stands next to the question
            item = found.examples[passage.id]
            before += [Message("user", item.question), Message("assistant", item.answers[0])]
    if arm.passages and rest:
        shown = "\n\n".join(f"[{i}] {p.text}" for i, p in enumerate(found.shown(question, settings.passages), 1))
        rest[-1] = Message(rest[-1].role, f"Passages:\n\n{shown}\n\nQuestion: {question}")
    return (*before, *rest)


class Dressed:
    """A model as one arm asks it: a ``Model`` itself, so that whatever can ask a model can ask an arm."""

    def __init__(self, model: Model, arm: Arm, found: Material, settings: Settings) -> None:
        self.spec = f"{model.spec} ({arm.name})"
        self.model, self.arm = model, arm
        self._found, self._settings = found, settings

    @property
    def fingerprint(self) -> str:
        """Hash of the model's weights and of all that this arm puts around a question."""
        arm, found, settings = self.arm, self._found, self._settings
        worn: list[Any] = [arm, found.prompt if arm.prompt else found.system]
        worn += [found.digest, settings.shots, settings.passages] if arm.shots or arm.passages else []
        return hashlib.sha256(f"{self.model.fingerprint}|{worn}".encode("utf-8", "surrogatepass")).hexdigest()[:16]

    @property
    def template(self) -> str:
        """The model's."""
        return self.model.template

    def about(self) -> dict[str, Any]:
        """The model's own, under the arm's name."""
        return self.model.about() | {"spec": self.spec, "fingerprint": self.fingerprint}

    def wear(self, asked: Conversation) -> Conversation:
        """What the model is really asked."""
        return wear(self.arm, asked, self._found, self._settings)

    def generate(
        self,
        questions: Sequence[Question],
        sampling: Sampling,
        seeds: Sequence[int] = (0,),
        on_event: OnEvent = silent,
        on_completion: OnCompletion = ignore,
    ) -> list[Completion]:
        """As the model does, each question dressed."""
        dressed = [Question(q.id, self.wear(q.messages)) for q in questions]
        return self.model.generate(dressed, sampling, seeds, on_event, on_completion)

    def log_likelihood(
        self, prompts: Sequence[Conversation], answers: Sequence[Sequence[str]], on_event: OnEvent = silent
    ) -> list[tuple[Likelihood, ...]]:
        """As the model does, each prompt dressed."""
        return self.model.log_likelihood([self.wear(p) for p in prompts], answers, on_event)
