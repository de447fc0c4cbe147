"""Which expressions of a Python function carry a stranger's words, and which strings are put together at run time.

Within one function and in the order of its lines, without following calls: enough for answers, which are short. A name is a
stranger's when it was made from a request, the console, a socket or the command line, and not passed through one of ``CLEAN``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from wolfnote.audit.code.weakness import words

REQUEST = words(
    "args form values json data cookies headers files GET POST FILES query_params path_params body"
    " params query_string view_args"
    " matchdict match_info rel_url COOKIES META"
)
CALLS = words(
    "get_json get_data get_argument get_arguments get_body_argument get_query_argument recv recvfrom raw_input input getvalue"
    " getfirst parse_qs parse_qsl"
)
CLEAN = words(
    "int float bool len hash ord escape html_escape escape_html conditional_escape quote quote_plus"
    " urlencode secure_filename basename"
    " safe_join uuid4 jsonify dumps clean bleach isdigit isinstance strftime hexdigest sha256 generate_password_hash url_for"
    " escape_string literal Identifier SQL Literal list2cmdline Decimal UUID"
)
HANDLER = words("route get post put delete patch websocket api_view view_config expose require_http_methods")

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Scope:
    """The names of one function: ``user`` hold a stranger's words, ``dynamic`` a string with run-time parts,
    ``constant`` what is written in the code or came out of one of ``CLEAN``."""

    def __init__(self, node: ast.Module | Function, outer: Scope | None = None) -> None:
        self.node = node
        self.handler = isinstance(node, Function) and _handles(node)
        self.user: set[str] = set(outer.user) if outer else set()
        self.dynamic: set[str] = set(outer.dynamic) if outer else set()
        self.constant: set[str] = set(outer.constant) if outer else set()
        if isinstance(node, Function):
            given = {a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)} - {
                "self",
                "cls",
                "request",
            }
            self.constant -= given
            self.user = self.user | given if self.handler else self.user - given
        self.nodes = list(inside(node))
        for _ in range(2):  # a name may be read in a loop above the line that makes it
            for part in self.nodes:
                self._learn(part)

    def stranger(self, node: ast.AST) -> bool:
        """Whether a stranger's words reach this expression uncleaned."""
        return any(_source(part) or (isinstance(part, ast.Name) and part.id in self.user) for part in _uncleaned(node))

    def joined(self, node: ast.AST) -> bool:
        """Whether this is a string with parts that are not known before the program runs."""
        if isinstance(node, ast.Name):
            return node.id in self.dynamic
        if isinstance(node, ast.JoinedStr):
            return any(isinstance(v, ast.FormattedValue) and self._open(v.value) for v in node.values)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
            texts = self.texts(node)
            return bool(texts) and (self._open(node.right) or self.joined(node.left) or self.joined(node.right))
        if isinstance(node, ast.Call):
            made = isinstance(node.func, ast.Attribute) and node.func.attr in ("format", "join")
            if made and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Constant | ast.Name):
                return any(self._open(a) for a in (*node.args, *(k.value for k in node.keywords)))
            return any(self.joined(a) for a in node.args[:1]) and name(node.func) in ("text", "str", "dedent")
        return isinstance(node, ast.IfExp) and (self.joined(node.body) or self.joined(node.orelse))

    def texts(self, node: ast.AST) -> str:
        """The literal text within an expression."""
        return "".join(p.value for p in ast.walk(node) if isinstance(p, ast.Constant) and isinstance(p.value, str))

    def _open(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Tuple | ast.List):
            return any(self._open(part) for part in node.elts)
        if isinstance(node, ast.Constant) or (isinstance(node, ast.Call) and name(node.func) in CLEAN):
            return False
        if isinstance(node, ast.Name):
            return not node.id.isupper() and node.id not in self.constant
        if isinstance(node, ast.BinOp):
            return self._open(node.left) or self._open(node.right)
        return not (isinstance(node, ast.Attribute) and (node.attr.isupper() or node.attr in ("__name__", "__tablename__")))

    def _learn(self, node: ast.AST) -> None:
        for target, value in _bindings(node):
            for known, holds in (
                (self.user, self.stranger(value)),
                (self.dynamic, self.joined(value)),
                (self.constant, _literal(value)),
            ):
                if holds:
                    known.add(target)
                elif not isinstance(node, ast.AugAssign):
                    known.discard(target)


def scopes(tree: ast.Module) -> Iterator[Scope]:
    """The module and each of its functions, each with the names of the module."""
    module = Scope(tree)
    yield module
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield Scope(node, module)


def inside(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function in the order of the text, without those of functions within it."""
    stack = list(reversed(list(ast.iter_child_nodes(node))))
    while stack:
        part = stack.pop()
        yield part
        if not isinstance(part, Function | ast.Lambda):
            stack.extend(reversed(list(ast.iter_child_nodes(part))))


def name(node: ast.AST) -> str:
    """The last part of a dotted name: ``loads`` of ``pickle.loads``."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def dotted(node: ast.AST) -> str:
    """``os.path.join`` as written; "" for what is no dotted name."""
    if isinstance(node, ast.Attribute):
        head = dotted(node.value)
        return f"{head}.{node.attr}" if head else node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _handles(node: Function) -> bool:
    marks = [d.func if isinstance(d, ast.Call) else d for d in node.decorator_list]
    return any(isinstance(mark, ast.Attribute | ast.Name) and name(mark) in HANDLER for mark in marks)


def _source(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return name(node.func) in CALLS
    if isinstance(node, ast.Attribute):
        whose = dotted(node.value).lower()
        return (node.attr in REQUEST and whose.rpartition(".")[2] in ("request", "req")) or dotted(node) == "sys.argv"
    return False


def _uncleaned(node: ast.AST) -> Iterator[ast.AST]:
    stack = [node]
    while stack:
        part = stack.pop()
        if (isinstance(part, ast.Call) and name(part.func) in CLEAN) or isinstance(part, ast.Compare | ast.Lambda):
            continue
        yield part
        stack.extend(ast.iter_child_nodes(part))


def _bindings(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.Assign):
        pairs = [(target, node.value) for target in node.targets]
    elif isinstance(node, ast.AugAssign | ast.NamedExpr) or (isinstance(node, ast.AnnAssign) and node.value):
        pairs = [(node.target, node.value)]  # type: ignore[list-item]
    elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        pairs = [(node.target, node.iter)]
    elif isinstance(node, ast.withitem) and node.optional_vars:
        pairs = [(node.optional_vars, node.context_expr)]
    else:
        return
    for target, value in pairs:
        for part in ast.walk(target):
            if isinstance(part, ast.Name):
                yield part.id, value


def _literal(node: ast.AST) -> bool:
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return all(_literal(part) for part in node.elts)
    if isinstance(node, ast.Dict):
        return all(_literal(part) for part in node.values)
    return isinstance(node, ast.Constant) or (isinstance(node, ast.Call) and name(node.func) in CLEAN)
