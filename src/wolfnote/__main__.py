"""``python -m wolfnote``."""

from wolfnote.cli import main

main()
