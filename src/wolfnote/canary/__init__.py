"""Serve the tuned model on a leash: the base in parallel, a small share, every answer watched, back by itself."""
