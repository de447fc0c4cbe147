"""How a text reads, without a model: one plain form of it, phrases found in it, a small linear classifier, its language, its
hostility, and whether it refuses. Detectors of rows and judges of answers share it."""
