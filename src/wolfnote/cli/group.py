"""A group of commands that is a command itself: ``wolfnote audit DATA…`` beside ``wolfnote audit sign RUN``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typer.core import TyperGroup

if TYPE_CHECKING:
    Context = Any  # typer's own copy of click has no public name


class DefaultGroup(TyperGroup):
    """Whatever does not begin with the name of a further command is for the default one, the group's only hidden command.

    A further command wins over a file of the same name, whole words only: ``sign.jsonl`` and ``./sign`` are data.
    """

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Put the default command's name before arguments that name no other; a shell that completes nothing yet sees all."""
        further = set(self.commands) - {self._default}
        if not (args and args[0] in further) and (args or not ctx.resilient_parsing):
            args = [self._default, *args]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The default command goes by the group's own name in usage and errors."""
        name, command, rest = super().resolve_command(ctx, args)
        return ("" if name == self._default else name), command, rest

    def shell_complete(self, ctx: Context, incomplete: str) -> list[Any]:
        """The further commands, and what the default one would offer."""
        command = self.commands[self._default]
        inner = command.make_context("", [], parent=ctx, resilient_parsing=True)
        own = [item for item in super().shell_complete(ctx, incomplete) if not item.value.startswith("-")]
        return [*own, *command.shell_complete(inner, incomplete)]

    @property
    def _default(self) -> str:
        return next(name for name, command in self.commands.items() if command.hidden)
