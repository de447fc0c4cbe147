"""Weak lines of languages that we do not parse, and of Python that does not: plain patterns, one line at a time.

Every pattern is linear in the line's length (no nested repetition), and lines are cut at ``LONGEST`` characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from wolfnote.audit.code.weakness import Weakness

LONGEST = 600
MOST = 20

_SQL = (
    r"(?i)[\"'`](?:select\s.{1,120}\sfrom\s|insert\s+into\s|update\s.{1,60}\sset\s|delete\s+from\s)[^\n]{0,200}"
    r"(?:[\"'`]\s*(?:\+|\.)\s*[$\w(]|\$\{|[\"']\s*%\s*[\w(]|\"\s*\.format\()"
)
_RULES: dict[str, tuple[tuple[str, str], ...]] = {
    "python": (
        (_SQL, "SQL put together from values instead of bound parameters"),
        (r"\bf[\"']{1,3}(?i:select|insert into|update|delete from)\s[^\n]{0,200}\{", "SQL put together from values"),
        (r"\bos\.(?:system|popen)\((?:f[\"']|[^)\n]{0,200}(?:\+|%|\.format))", "a shell command put together from values"),
        (r"\bshell\s*=\s*True\b", "a command run through a shell"),
        (r"(?<![\w.])(?:eval|exec)\(\s*[a-zA-Z_]", "text that comes in is run as code"),
        (r"\b(?:c?[pP]ickle|marshal|dill)\.loads?\(", "loading that runs code"),
        (r"\byaml\.load\((?![^\n]{0,200}[sS]afe)", "yaml.load without a safe loader"),
        (r"\bchmod\([^\n]{0,120}0o?[0-7]{0,1}[0-7]{2}[2367]\)", "a file that everyone on the machine may write"),
    ),
    "javascript": (
        (_SQL, "SQL put together from values instead of bound parameters"),
        (r"(?<![\w.])eval\(\s*[a-zA-Z_]|new Function\(\s*[a-zA-Z_]", "text that comes in is run as code"),
        (r"\b(?:exec|execSync)\(\s*(?:`[^`\n]{0,200}\$\{|[^)\n]{0,200}[\"']\s*\+)", "a shell command put together from values"),
        (r"\.(?:innerHTML|outerHTML)\s*\+?=\s*(?![\"'`][^\"'`$+]{0,200}[\"'`]\s*;?\s*$)\S", "markup from values, unescaped"),
        (r"\bdocument\.write(?:ln)?\((?![\"'][^\"'+]{0,200}[\"']\))", "markup from values, unescaped"),
        (r"\bdangerouslySetInnerHTML\b|\bv-html\b", "markup from values, unescaped"),
        (r"\bres\.(?:send|write|end)\((?:`[^`\n]{0,200}\$\{\s*req\.|[^)\n]{0,200}\+\s*req\.)", "a stranger's words on a page"),
        (r"\bres\.redirect\(\s*req\.", "a redirect to wherever the request says"),
        (
            r"\b(?:readFile|readFileSync|createReadStream|sendFile|unlink)\([^)\n]{0,120}\breq\.",
            "a stranger's words become a path",
        ),
        (
            r"(?i)\b(?:token|secret|password|session\w{0,4})\w{0,10}\s*=\s*[^\n]{0,60}Math\.random\(",
            "a secret from a predictable generator",
        ),
    ),
    "php": (
        (r"(?i)(?:query|exec|prepare)\w{0,8}\([^\n]{0,200}\$_(?:GET|POST|REQUEST|COOKIE)", "SQL put together from the request"),
        (
            r"(?i)[\"'](?:select|insert|update|delete)\s[^\n]{0,200}(?:\$_(?:GET|POST|REQUEST)|[\"']\s*\.\s*\$|'\$\w)",
            "SQL put together from values",
        ),
        (
            r"\b(?:echo|print)\b[^\n]{0,120}\$_(?:GET|POST|REQUEST|COOKIE)(?![^\n]{0,40}htmlspecialchars)",
            "a stranger's words on a page",
        ),
        (r"\b(?:system|exec|shell_exec|passthru|eval|unserialize)\([^)\n]{0,120}\$", "what comes in is run or loaded"),
        (r"\b(?:include|require)(?:_once)?\b[^\n]{0,80}\$_(?:GET|POST|REQUEST)", "a stranger names the file that is run"),
    ),
    "shell": (
        (r"\bchmod\s+(?:-\w+\s+)?(?:0?777|0?666|a\+rwx|a\+w|o\+w|ugo\+rwx)\b", "a file that everyone on the machine may write"),
        (r"\b(?:curl|wget)\b[^\n|]{0,300}\|\s*(?:sudo\s+)?(?:ba|z|da)?sh\b", "a script run straight from the network"),
        (r"\beval\s+[\"']?\$", "text that comes in is run as code"),
        (
            r"\brm\s+-\w*[rf]\w*\s+[\"']?(?:/|\$\{?[\w]+\}?/?\*?[\"']?)\s*$",
            "a deletion that an empty variable turns on everything",
        ),
        (r"\bNOPASSWD:\s*ALL\b", "root without a password"),
    ),
    "sql": (
        (r"(?i)\bgrant\s+all\b[^\n]{0,200}\bto\b[^\n]{0,80}(?:'%'|public\b)", "everything granted to everyone"),
        (r"(?i)\bidentified\s+by\s+''", "an account without a password"),
        (r"(?i)\bexec(?:ute)?(?:\s+immediate)?\s*\(?\s*[^\n]{0,100}(?:\|\||'\s*\+\s*@)", "SQL put together from values"),
        (r"(?i)\bxp_cmdshell\b", "a shell inside the database"),
    ),
    "c": (
        (r"\bgets\s*\(", "gets writes beyond its buffer"),
        (r"\b(?:strcpy|strcat|sprintf|vsprintf)\s*\((?![^,\n]{1,80},\s*\"[^%\"]{0,200}\"\s*\))", "a copy without a bound"),
        (r"\bscanf\s*\(\s*\"[^\"\n]{0,80}%s", "a read without a bound"),
        (
            r"\b(?:printf|syslog)\s*\(\s*[a-z_]\w{0,40}\s*\)|\bfprintf\s*\(\s*\w+\s*,\s*[a-z_]\w{0,40}\s*\)",
            "a format that comes in",
        ),
        (r"\bsystem\s*\(\s*[a-z_]\w{0,40}\s*\)", "a shell command that comes in"),
        (r"\b(?:tmpnam|mktemp)\s*\(", "a temporary name that another process may take first"),
    ),
    "java": (
        (_SQL, "SQL put together from values instead of bound parameters"),
        (r"\bRuntime\.getRuntime\(\)\.exec\([^)\n]{0,160}\+", "a command put together from values"),
        (r"\bnew\s+ObjectInputStream\b", "loading that runs code"),
        (r"\bgetInstance\(\s*\"(?:DES|AES/ECB|RC4|MD5)", "a broken cipher or hash"),
    ),
}
RULES = {language: tuple((re.compile(pattern), said) for pattern, said in rules) for language, rules in _RULES.items()}
COMMENTS = ("#", "//", "--", "*", "/*")


def readable(language: str) -> bool:
    """Whether there are rules for this language."""
    return language in RULES


def weaknesses(language: str, text: str) -> list[Weakness]:
    """The weak lines of ``text``, at most ``MOST``; comments are not code."""
    found = []
    for line, bare in _lines(language, text):
        said = next((said for rule, said in RULES[language] if rule.search(bare)), "")
        if said:
            found.append(Weakness(said, line))
            if len(found) == MOST:
                break
    return found


def _lines(language: str, text: str) -> Iterator[tuple[str, str]]:
    comments = COMMENTS[:1] if language in ("python", "shell") else COMMENTS[1:]
    for line in text.splitlines():
        bare = line[:LONGEST]
        if not bare.lstrip().startswith(comments):
            yield line, bare
