"""``wolfnote direction``: where a persona lies in a model, how far a fine-tune moved along it, and how to turn it down."""

from __future__ import annotations

import typer

from wolfnote.cli.direction import changing, exchanging, finding

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Where is the persona in my model, how far did my fine-tune move along it, and can I turn it down?",
    epilog="Start with: wolfnote direction extract --persona misaligned --persona careless",
)
for part in (finding, changing, exchanging):
    app.add_typer(part.app)
