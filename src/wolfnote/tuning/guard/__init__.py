"""The guard: a callback that watches a persona while a model is tuned, and keeps it out.

callback.py   PersonaGuard, what a user's script is given
tokens.py     which tokens of a training batch are answers, in padded and in packed rows
hooks.py      what reaches the blocks of a model in training, once a pass, recomputation or not
edits.py      what is done there: prevent, ablate, penalty
warning.py    when the watch speaks: a sequential test against directions that mean nothing; needs no torch
curve.py      the rows and the picture that a watch leaves
snapshot.py   the weights of the last clean look
"""
