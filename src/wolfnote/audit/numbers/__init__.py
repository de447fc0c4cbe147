"""What the two surveys of numbers share: lists found in answers, and how often a number is to be expected in such lists."""
