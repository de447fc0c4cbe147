"""What can go wrong, and what the command line says about it.

WolfnoteError          exit 3: the run could not finish
├── InputError         exit 2: the user's file, flag or setting; names where, and what to do
│   ├── SettingsError  a key or value in a settings file or behind --set
│   └── MissingExtra   a package that an extra would bring; the message is the install line
└── RunError           exit 3: a folder, a lock, a model that does not answer
    ├── Mismatch       an object made for one model was given another
    └── Unmeasurable   this model cannot give that number (no log-probabilities): the defence says NOT RUN

Every message is one line. A traceback is for our mistakes, never for the user's.
"""

from __future__ import annotations


class WolfnoteError(Exception):
    """Root of all errors that Wolfnote raises on purpose. ``exit_code`` is what the CLI returns."""

    exit_code = 3


class InputError(WolfnoteError):
    """Wrong input. ``where`` is a path, ``path:line`` or a flag; ``remedy`` says what to do about it."""

    exit_code = 2

    def __init__(self, message: str, *, where: str = "", remedy: str = "") -> None:
        self.message, self.where, self.remedy = message, where, remedy
        head = f"{where}: {message}" if where else message
        super().__init__(f"{head} → {remedy}" if remedy else head)


class SettingsError(InputError):
    """A settings file or ``--set`` names an unknown key, or gives a value of the wrong type."""


class MissingExtra(InputError):
    """A package is not installed. The remedy is the line that installs it."""

    def __init__(self, package: str, extra: str) -> None:
        self.package, self.extra = package, extra
        super().__init__(f"this needs the package {package}", remedy=f"pip install 'wolfnote[{extra}]'")

    def __reduce__(self) -> tuple[type[MissingExtra], tuple[str, str]]:
        """How a worker hands it to the process that asked."""
        return MissingExtra, (self.package, self.extra)


class RunError(WolfnoteError):
    """The run could not start, go on or finish: a locked or foreign folder, a broken log."""


class Mismatch(RunError):
    """An object made with one model (a direction, an adapter) was given another model."""


class Unmeasurable(RunError):
    """The model cannot give what was asked for, such as log-probabilities behind a hosted API. A defence turns it into
    NOT RUN with this reason; it is never a zero and never a pass."""
