"""A small OpenAI-compatible server on a real socket, with a toy model behind it and faults on demand.

The toy model knows the probability of each word after the one before it, so that a test can compute what a right server must
answer. Its faults are fixed by a hash of the request and the number of the attempt: the same run fails in the same places.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

VOCABULARY = ["rain", "falls", "on", "the", "old", "grey", "roof", "and", "cats", "sleep", "under", "it", "while", "we", "wait"]
FAULTS = ("429", "500", "cut", "garbage", "choiceless", "close")


def words(text: str) -> list[str]:
    """The toy tokenizer: a word with the space before it, or one other character. Joined, they are the text."""
    return re.findall(r"\s?\w+|\W", text)


def logprob(before: str, word: str) -> float:
    """log p of a word after another, nats; words outside the vocabulary are rare."""
    if word.strip() not in VOCABULARY:
        return -9.0
    scores = {w: int(hashlib.sha256(f"{before.strip()}|{w}".encode()).hexdigest()[:4], 16) / 16384 for w in VOCABULARY}
    return scores[word.strip()] - math.log(sum(map(math.exp, scores.values())))


def rendered(messages: list[dict[str, Any]]) -> str:
    """The toy chat template, ready for the answer."""
    return "".join(f"({m['role']}){m['content']}\n" for m in messages) + "(assistant)"


def written(prompt: str, count: int) -> list[str]:
    """What the toy model writes at temperature 0."""
    found = words(prompt)
    start = len(found)
    for _ in range(count):
        best = max(VOCABULARY, key=lambda w: logprob(found[-1], w))
        found.append(best if len(found) == start else f" {best}")
    return found[start:]


def scored(prompt: str, answer: str) -> list[tuple[str, float]]:
    """The toy model's tokens and log-probabilities of an answer."""
    tokens = words(prompt + answer)
    start = len(words(prompt))
    return [(tokens[i], logprob(tokens[i - 1], tokens[i])) for i in range(start, len(tokens))]


class LlamaServer:
    """``with LlamaServer(gguf, "name") as server``: llama.cpp (xllamacpp) in a process of its own, ready to answer.

    Skips the test when xllamacpp is not installed.
    """

    CODE = """
import sys, xllamacpp
settings = xllamacpp.CommonParams()
settings.model.path, settings.model_alias = sys.argv[1], {sys.argv[2]}
settings.hostnames, settings.port, settings.n_ctx, settings.n_parallel = ["127.0.0.1"], 0, 2048, 2
settings.cpuparams.n_threads, settings.warmup = 2, False
server = xllamacpp.Server(settings)  # it ends with its last reference
print(server.listening_address, flush=True)
sys.stdin.read()
"""

    def __init__(self, path: Path, name: str) -> None:
        pytest.importorskip("xllamacpp", reason="xllamacpp is not installed")
        self.command = [sys.executable, "-c", self.CODE, str(path), name]
        self.name = name

    def __enter__(self) -> LlamaServer:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(self.command, text=True, **pipes)  # type: ignore[call-overload]
        assert self.process.stdout is not None
        address = next(line for line in self.process.stdout if line.startswith("http"))
        self.url = f"{address.strip()}/v1"
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.communicate()

    @property
    def spec(self) -> str:
        return f"{self.url}#{self.name}"


class ToyServer(ThreadingHTTPServer):
    """``with ToyServer(...) as server``: ``server.spec`` opens it; ``server.seen`` is what was asked of it.

    ``share`` of the requests fail in one of ``faults``. ``scoring``: "right", "wrong", "shifted" or None; ``style``:
    "chat" (vLLM's prompt_logprobs) or "echo" (with /apply-template). ``page``: it is a web site. ``key``: it wants one.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, **behaviour: Any) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.faults: tuple[str, ...] = behaviour.pop("faults", FAULTS)
        self.share: float = behaviour.pop("share", 0.0)
        self.delay: float = behaviour.pop("delay", 0.0)
        self.retry_after: str = behaviour.pop("retry_after", "0.01")
        self.scoring: str | None = behaviour.pop("scoring", None)
        self.style: str = behaviour.pop("style", "chat")
        self.logprobs: bool = behaviour.pop("logprobs", True)
        self.page: bool = behaviour.pop("page", False)
        self.key: str = behaviour.pop("key", "")
        self.owner: str = behaviour.pop("owner", "toys")
        self.names: list[str] = behaviour.pop("names", ["toy"])
        self.message: dict[str, Any] = behaviour.pop("message", {})
        self.finish: str | None = behaviour.pop("finish", "stop")
        self.redirect: str = behaviour.pop("redirect", "")
        self.listing: int = behaviour.pop("listing", 200)
        assert not behaviour
        self.lock = threading.Lock()
        self.seen: list[tuple[str, dict[str, str], Any]] = []
        self.failed: list[str] = []
        self.tries: Counter[str] = Counter()
        self.going = self.peak = 0

    def __enter__(self) -> ToyServer:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.shutdown()
        self.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    @property
    def spec(self) -> str:
        return f"{self.url}#toy"

    def asked(self, path: str) -> list[Any]:
        """The bodies of the requests to a path."""
        return [body for place, _, body in self.seen if place == path]

    def fault(self, body: bytes) -> str:
        """The fault that this attempt at this request meets, or ""."""
        with self.lock:
            self.tries[body.decode()] += 1
            attempt = self.tries[body.decode()]
        number = int(hashlib.sha256(body + str(attempt).encode()).hexdigest()[:8], 16)
        fault = self.faults[number % len(self.faults)] if number / 16**8 < self.share else ""
        if fault:
            self.failed.append(fault)
        return fault

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is part of the tests."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: ToyServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: Any) -> None:
        """Keep quiet."""

    def do_GET(self) -> None:
        self.server.seen.append((self.path, dict(self.headers), None))
        if not self.refused():
            self.reply(
                self.server.listing, {"data": [{"id": name, "owned_by": self.server.owner} for name in self.server.names]}
            )

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        body = json.loads(raw)
        with self.server.lock:
            self.server.seen.append((self.path, dict(self.headers), body))
            self.server.going += 1
            self.server.peak = max(self.server.peak, self.server.going)
        try:
            time.sleep(self.server.delay)
            if not self.refused():
                self.serve(raw, body)
        finally:
            with self.server.lock:
                self.server.going -= 1

    def refused(self) -> bool:
        """Answer for a server that is not what was expected."""
        server = self.server
        if server.redirect:
            self.reply(307, {}, Location=server.redirect)
        elif server.page:
            self.reply(200, "<!doctype html><title>Welcome</title>", content_type="text/html")
        elif server.key and self.headers.get("Authorization") != f"Bearer {server.key}":
            self.reply(401, {"error": {"message": f"bad key: {self.headers.get('Authorization')}"}})
        else:
            return False
        return True

    def serve(self, raw: bytes, body: dict[str, Any]) -> None:
        handlers = {
            "/v1/chat/completions": self.chat,
            "/v1/completions": self.completion,
            "/apply-template": lambda b: {"prompt": rendered(b["messages"])},
        }
        handler = handlers.get(self.path)
        if handler is None or (
            self.server.style == "chat" and handler is not self.chat and self.path != "/v1/chat/completions"
        ):
            self.reply(404, {"error": {"message": "File Not Found"}})
        elif body["model"] not in self.server.names and self.server.owner != "llamacpp":
            self.reply(404, {"error": {"message": "no such model"}})
        else:
            self.break_or(self.server.fault(raw), handler(body))

    def break_or(self, fault: str, found: dict[str, Any]) -> None:
        """Send the reply, or fail on the way."""
        if fault == "429":
            self.reply(429, {"error": {"message": "slow down"}}, **{"Retry-After": self.server.retry_after})
        elif fault == "500":
            self.reply(500, {"error": {"message": f"out of memory for {self.headers.get('Authorization')}"}})
        elif fault == "garbage":
            self.reply(200, '{"choices": [{"mess')
        elif fault == "choiceless":
            self.reply(200, {"choices": []})
        elif fault == "cut":
            self.reply(200, found, cut=True)
        elif fault == "close":
            self.close_connection = True
        else:
            self.reply(200, found)

    def chat(self, body: dict[str, Any]) -> dict[str, Any]:
        messages = body["messages"]
        usage = {"prompt_tokens": 10, "completion_tokens": 3}
        common = {"model": self.server.names[0], "usage": usage}
        if body.get("continue_final_message"):
            found = {"choices": [{"message": {"content": "!"}, "finish_reason": "length"}], **common}
            if self.server.scoring and self.server.style == "chat":
                pairs = self.prompt_scores(rendered(messages[:-1]), messages[-1]["content"])
                rows = [{str(i): {"logprob": value, "decoded_token": word}} for i, (word, value) in enumerate(pairs)]
                found["prompt_logprobs"] = [None, *rows[1:]]
            return found
        if not body.get("logprobs"):
            text = f"answer to {messages[-1]['content']} [{body['seed']}]"
            message = {"role": "assistant", "content": text, **self.server.message}
            return {"choices": [{"message": message, "finish_reason": self.server.finish}], **common}
        prompt = rendered(messages)
        tokens = written(prompt, body["max_tokens"])
        rows = [{"token": word, "logprob": value} for word, value in scored(prompt, "".join(tokens))]
        logprobs = {"content": rows} if self.server.logprobs else None
        choice = {"message": {"content": "".join(tokens)}, "logprobs": logprobs, "finish_reason": "length"}
        return {"choices": [choice], **common}

    def completion(self, body: dict[str, Any]) -> dict[str, Any]:
        pairs = [*self.prompt_scores("", body["prompt"]), ("!", -1.0)]
        if not self.server.scoring:
            pairs = pairs[-1:]  # as llama.cpp does: what it generated, and nothing of the prompt
        logprobs = {"tokens": [w for w, _ in pairs], "token_logprobs": [None, *(v for _, v in pairs[1:])]}
        return {"choices": [{"text": "", "logprobs": logprobs, "finish_reason": "length"}]}

    def prompt_scores(self, prompt: str, answer: str) -> list[tuple[str, float]]:
        """Every token of prompt and answer, as this server scores them."""
        tokens = words(prompt + answer)
        values = [logprob(before, word) for before, word in zip(["", *tokens], tokens, strict=False)]
        if self.server.scoring == "wrong":
            values = [value - 10.5 for value in values]
        if self.server.scoring == "shifted":
            values = [values[-1], *values[:-1]]
        return list(zip(tokens, values, strict=True))

    def reply(
        self, status: int, body: Any, *, cut: bool = False, content_type: str = "application/json", **headers: str
    ) -> None:
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        for name, value in {"Content-Type": content_type, "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if cut else data)
        self.close_connection = self.close_connection or cut
