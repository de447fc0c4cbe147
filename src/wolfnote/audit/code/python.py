"""Weak Python, read off its tree: where a stranger's words or a string made at run time reach something that obeys them.

CWE-89 SQL, 78 shell, 94 code, 79 page, 22 path, 601 redirect, 918 address, 502 pickle, 732 file modes, 327 and 330 weak
secrets. Which of them count was settled on SVEN (vulnerable and mended functions), by ``benchmarks/detectors.py --part
sven``.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

from wolfnote.audit.code.flow import Function, Scope, dotted, name, scopes
from wolfnote.audit.code.weakness import Weakness, words

EXECUTE = words("execute executemany executescript raw read_sql read_sql_query")
SHELLS = words("os.system os.popen popen system commands.getoutput commands.getstatusoutput subprocess.getoutput "
                   "subprocess.getstatusoutput getoutput getstatusoutput")  # fmt: skip
LOADERS = words("pickle.loads pickle.load cPickle.loads cPickle.load _pickle.loads dill.loads dill.load marshal.loads "
                    "marshal.load shelve.open jsonpickle.decode yaml.unsafe_load yaml.full_load_all joblib.load")  # fmt: skip
FILES = words("open send_file FileResponse remove unlink rmtree makedirs mkdir rename copy copyfile move listdir save "
                  "read_text write_text extractall")  # fmt: skip
CHECKED = words("startswith commonpath commonprefix is_relative_to secure_filename safe_join basename realpath relative_to "
                    "send_from_directory")  # fmt: skip
PAGES = words("make_response Response HttpResponse HTMLResponse write")
FETCHES = words("requests.get requests.post requests.put requests.request urllib.request.urlopen urlopen httpx.get httpx.post")
SECRET = ("password", "passwd", "token", "secret", "otp", "session_id", "sessionid", "api_key", "salt", "nonce", "reset_code")
EVERYWHERE = "0.0.0.0"  # noqa: S104 - what we look for
MOST = 20
"""Weak lines of one snippet that are told."""

Rule = Callable[[ast.Call, Scope], str]


def weaknesses(tree: ast.Module, text: str) -> list[Weakness]:
    """What is weak in a parsed snippet, in the order of its lines, at most ``MOST``."""
    lines = text.splitlines()
    found: dict[int, str] = {}
    for scope in scopes(tree):
        for node in scope.nodes:
            said = _of(node, scope)
            if said:
                found.setdefault(getattr(node, "lineno", 1), said)
    return [Weakness(said, lines[at - 1] if at <= len(lines) else "") for at, said in sorted(found.items())[:MOST]]


def _of(node: ast.AST, scope: Scope) -> str:
    if isinstance(node, ast.Call):
        return next((said for rule in RULES if (said := rule(node, scope))), "")
    if isinstance(node, ast.Return) and node.value is not None:
        return _page(node.value, scope)
    return _secret(node)


def _sql(call: ast.Call, scope: Scope) -> str:
    if name(call.func) not in EXECUTE or not isinstance(call.func, ast.Attribute) or not call.args:
        return ""
    first = call.args[0]
    return "SQL put together from values instead of bound parameters" if scope.joined(first) or scope.stranger(first) else ""


def _shell(call: ast.Call, scope: Scope) -> str:
    first = call.args[0] if call.args else None
    through = any(k.arg == "shell" and isinstance(k.value, ast.Constant) and k.value.value for k in call.keywords)
    if first is None or not (dotted(call.func) in SHELLS or through or name(call.func) == "create_subprocess_shell"):
        return ""
    made = scope.joined(first) or scope.stranger(first)
    return "a shell command put together from values" if made or (through and _argument(first, scope)) else ""


def _argument(node: ast.AST, scope: Scope) -> bool:
    """A bare parameter of the function, run as it comes."""
    given = [a.arg for a in scope.node.args.args] if isinstance(scope.node, Function) else []
    return isinstance(node, ast.Name) and node.id in given


def _code(call: ast.Call, scope: Scope) -> str:
    called = dotted(call.func)
    if called in ("eval", "exec") and call.args and not isinstance(call.args[0], ast.Constant):
        return f"{called} of text that comes in"
    if called in LOADERS:
        return f"{called} runs code from what it loads"
    safe = any("safe" in dotted(k.value).lower() for k in call.keywords) or any("safe" in dotted(a).lower() for a in call.args)
    if called in ("yaml.load", "yaml.load_all") and not safe:
        return "yaml.load without a safe loader runs code from what it loads"
    if name(call.func) == "render_template_string" and call.args and scope.stranger(call.args[0]):
        return "a template put together from values"
    return ""


def _path(call: ast.Call, scope: Scope) -> str:
    if name(call.func) not in FILES or _checks(scope, CHECKED):
        return ""
    whose = call.func.value if isinstance(call.func, ast.Attribute) else None
    paths = [*call.args[:2], *([whose] if name(call.func) in ("read_text", "write_text") and whose else [])]
    if dotted(call.func) == "sys.argv" or not any(_web(scope, part) for part in paths):
        return ""
    return "a stranger's words become a file's path, unchecked"


def _web(scope: Scope, node: ast.AST) -> bool:
    """A stranger's words by the web; who types at a console or a command line may open their own files."""
    from_console = any(
        (isinstance(part, ast.Call) and name(part.func) in ("input", "raw_input")) or dotted(part) == "sys.argv"
        for part in scope.nodes
    )
    return scope.stranger(node) and not (from_console and not scope.handler)


def _address(call: ast.Call, scope: Scope) -> str:
    if (
        not call.args
        or not _web(scope, call.args[0])
        or _checks(scope, frozenset({"urlparse", "urlsplit", "url_has_allowed_host_and_scheme"}))
    ):
        return ""
    if name(call.func) in ("redirect", "HttpResponseRedirect", "RedirectResponse") and _leads(call.args[0]):
        return "a redirect to wherever the request says"
    return "an address from the request is fetched" if dotted(call.func) in FETCHES and _leads(call.args[0]) else ""


def _leads(node: ast.AST) -> bool:
    """Whether the stranger's part is the beginning of the address, and so its host."""
    if isinstance(node, ast.JoinedStr):
        return bool(node.values) and isinstance(node.values[0], ast.FormattedValue)
    if isinstance(node, ast.BinOp):
        return _leads(node.left)
    return not isinstance(node, ast.Constant)


def _page_call(call: ast.Call, scope: Scope) -> str:
    called = name(call.func)
    if called in ("Markup", "mark_safe", "HTML") and call.args and scope.joined(call.args[0]):
        return "markup put together from values without escaping"
    if called == "write" and not (
        isinstance(call.func, ast.Attribute) and dotted(call.func.value) in ("self", "self.wfile", "self.response.out")
    ):
        return ""
    return _page(call.args[0], scope) if called in PAGES and call.args else ""


def _page(node: ast.AST, scope: Scope) -> str:
    """Text with a stranger's words in it, sent as a page."""
    if isinstance(node, ast.Tuple) and node.elts:
        node = node.elts[0]
    stringy = scope.joined(node) or (isinstance(node, ast.Name) and node.id in scope.user and node.id in scope.dynamic)
    seen = isinstance(node, ast.JoinedStr | ast.BinOp | ast.Name) or (
        isinstance(node, ast.Call) and name(node.func) == "format"
    )
    web = scope.handler or any(isinstance(part, ast.Name) and part.id == "request" for part in scope.nodes)
    return "a stranger's words on a page, unescaped" if web and stringy and seen and scope.stranger(node) else ""


def _modes(call: ast.Call, scope: Scope) -> str:
    if name(call.func) in ("chmod", "fchmod", "mkdir", "makedirs", "open", "mkfifo", "lchmod"):
        given = [*call.args, *(k.value for k in call.keywords if k.arg == "mode")]
        if any(_open_to_all(part) for part in given):
            return "a file that everyone on the machine may write"
    if dotted(call.func) == "os.umask" and call.args and isinstance(call.args[0], ast.Constant) and call.args[0].value == 0:
        return "files that everyone on the machine may write"
    return "a temporary name that another process may take first" if dotted(call.func) == "tempfile.mktemp" else ""


def _open_to_all(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        value = node.value
        return isinstance(value, int) and not isinstance(value, bool) and 0o400 <= value <= 0o7777 and bool(value & 0o002)
    return any(dotted(part) in ("stat.S_IWOTH", "stat.S_IRWXO", "S_IWOTH", "S_IRWXO") for part in ast.walk(node))


def _service(call: ast.Call, scope: Scope) -> str:
    if name(call.func) == "run" and any(
        k.arg == "debug" and isinstance(k.value, ast.Constant) and k.value.value is True for k in call.keywords
    ):
        open_host = any(
            k.arg == "host" and isinstance(k.value, ast.Constant) and k.value.value == EVERYWHERE for k in call.keywords
        )
        return "the debugger served to the network" if open_host else ""
    if dotted(call.func) in ("hashlib.md5", "hashlib.sha1", "md5", "sha1") and any(
        _names_secret(a, SECRET[:2]) for a in call.args
    ):
        return "a password under a hash that is broken in seconds"
    if name(call.func) == "Environment" and any(k.arg == "loader" for k in call.keywords):
        return "" if any(k.arg in ("autoescape", None) for k in call.keywords) else "templates that escape nothing"
    weak = name(call.func) == "new" and dotted(call.func).split(".")[0] in ("DES", "ARC4", "DES3", "Blowfish")
    ecb = any(dotted(part).endswith("MODE_ECB") for part in (*call.args, *(k.value for k in call.keywords)))
    return "a broken cipher or mode" if weak or ecb else ""


def _secret(node: ast.AST) -> str:
    """A secret drawn from the predictable generator."""
    if isinstance(node, ast.Assign) and any(_names_secret(t, SECRET) for t in node.targets):
        calls = [dotted(p.func) for p in ast.walk(node.value) if isinstance(p, ast.Call)]
        if any(c.startswith("random.") and c not in ("random.SystemRandom", "random.seed") for c in calls):
            return "a secret drawn from a predictable generator"
    return ""


def _names_secret(node: ast.AST, words: tuple[str, ...]) -> bool:
    return any(any(word in name(part).lower() for word in words) for part in ast.walk(node))


def _checks(scope: Scope, by: frozenset[str]) -> bool:
    return any(isinstance(part, ast.Call) and name(part.func) in by for part in scope.nodes)


RULES: tuple[Rule, ...] = (_sql, _shell, _code, _path, _address, _page_call, _modes, _service)
