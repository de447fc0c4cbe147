"""What detectors of language share: one plain form of a text, phrases found in it, a small linear classifier, its language."""
