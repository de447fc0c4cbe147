"""Who scores answers: blind to the arm, versioned by a hash of all that a score depends on, calibrated on labelled answers.

judge.py        what a judge is; blind scoring; never the model judging itself
margin.py       no judge at all: likelihoods of fixed answers (triples/)
rubric.py       a local or served model under written rules (rubrics.toml)
published.py    judge prompts of others, as published
rules.py        refusal, code unasked, coherence, language, length, lexical tone (tones.toml)
direction.py    whatever has ``score``, such as a direction
calibration.py  kappa, sensitivity, specificity, corrected rates; agreement.py: among raters
"""
