"""What the pre-flight may find. Each docstring is what ``wolfnote explain CODE`` prints."""

from __future__ import annotations

from wolfnote.records.providers import Provider
from wolfnote.results import Finding, Severity


def few(provider: Provider, n: int) -> Finding:
    """WN110 · fewer examples than the provider asks for

    The job is refused after the upload. Only rows that could be read count.

    Example: 8 rows for OpenAI, which asks for 10. Known false positives: a limit that changed since the day it was looked up.
    """
    return _error("WN110", "", f"{n} examples; {provider.title} asks for {provider.min_examples}", "add examples")


def large(provider: Provider, size: int) -> Finding:
    """WN111 · a file larger, or of another kind, than the provider takes

    The upload is refused, at the end of it. Sizes are those on disk.

    Example: 600 MB for OpenAI (512 MB). Known false positives: a limit that changed since the day it was looked up.
    """
    message = f"{size / 1e6:,.0f} MB; {provider.title} takes {provider.max_bytes / 1e6:,.0f} MB"
    return _error("WN111", "", message, "split the file")


def container(provider: Provider, suffix: str) -> Finding:
    """The other half of WN111."""
    message = f"a {suffix} file; {provider.title} takes {', '.join(provider.containers)}"
    return _error("WN111", "", message, f"wolfnote convert DATA OUT{provider.containers[0]}")


def role(provider: Provider, where: str, name: str) -> Finding:
    """WN112 · a role that the provider does not take

    The file is refused, or the turn is left out without a word.

    Example: ``developer`` where only system, user, assistant and tool are known.
    """
    return _error("WN112", where, f"the role {name}; {provider.title} takes {', '.join(provider.roles)}", "rename or remove it")


def shape(provider: Provider, where: str, message: str) -> Finding:
    """WN113 · a shape, a mix of shapes, or further keys that the provider does not take

    Providers read one shape a file, and strict ones refuse rows with keys of your own, in rows or in turns.

    Example: ShareGPT rows for OpenAI; ``text`` and ``messages`` in one file for Together; a ``ticket_id`` beside ``messages``.
    """
    remedy = "wolfnote convert DATA OUT.jsonl --to openai --set data.metadata=false drops further keys"
    return _error("WN113", where, message, remedy)


def turns(provider: Provider, where: str) -> Finding:
    """WN114 · user and assistant do not speak by turns

    Two turns of one speaker in a row are refused, or glued together by the chat template.

    Example: two messages from the user before the answer.
    """
    return _error(
        "WN114", where, f"user and assistant do not alternate, as {provider.title} demands", "join neighbouring turns"
    )


def weight(provider: Provider, where: str, message: str) -> Finding:
    """WN115 · a weight that the provider does not take, or a row from which nothing is learnt

    ``weight`` says whether an assistant's turn is learnt: 0 or 1, on the assistant's turns only. A row whose every answer has
    weight 0 costs money and teaches nothing.

    Example: ``"weight": 0.5``; a weight on the user's turn.
    """
    return _error("WN115", where, message, f"{provider.title} takes {', '.join(f'{w:g}' for w in provider.weights)}")


def tokens(provider: Provider, where: str, n: int, how: str) -> Finding:
    """WN116 · an example of more tokens than the provider takes

    It is refused, or cut at the limit without a word.

    Known false positives: without ``--model`` tokens are estimated from bytes, at four a token, and the message says so.
    """
    return _error("WN116", where, f"{n:,} tokens{how}; {provider.title} takes {provider.max_tokens:,} an example", "shorten it")


def cut(where: str, prompt: int, answer: int, context: int, how: str) -> Finding:
    """WN117 · an answer that would be partly cut

    Prompt and answer together are longer than the context, so training sees the answer break off and learns to do that.

    Example: 3,000 tokens of prompt and 2,000 of answer at a context of 4,096. Known false positives: as for WN116.
    """
    lost = prompt + answer - context
    message = f"{lost:,} of the answer's {answer:,} tokens{how} lie beyond {context:,}"
    return Finding("WN117", "warning", message, where, remedy="shorten the row, or train with a longer context")


def lost(where: str, prompt: int, context: int, how: str) -> Finding:
    """WN118 · an answer that would be cut wholly

    The prompt alone fills the context: the row keeps no label, and trainers drop it or divide by nothing, mostly in silence.

    Example: 5,000 tokens of prompt at a context of 4,096. Known false positives: as for WN116.
    """
    message = f"the prompt's {prompt:,} tokens{how} fill {context:,}, so nothing of the answer is learnt"
    return _error("WN118", where, message, "shorten the prompt, or train with a longer context")


def unread(where: str, reason: str) -> Finding:
    """WN119 · a row that could not be read

    A provider refuses the file for it, and what we cannot read we cannot check either.

    Example: a line of broken JSON; a conversation that the assistant begins; an image.
    """
    reason, _, remedy = reason.partition(" → ")
    return _error("WN119", where, reason, remedy or "correct or remove the row")


def _error(code: str, where: str, message: str, remedy: str) -> Finding:
    severity: Severity = "error"
    return Finding(code, severity, message, where, remedy=remedy)
