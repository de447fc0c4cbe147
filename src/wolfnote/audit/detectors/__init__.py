"""One file a detector. The module's docstring is what ``wolfnote explain CODE`` prints."""
