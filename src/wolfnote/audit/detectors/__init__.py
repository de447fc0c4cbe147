"""One file a detector: what it means, bad, good, source, what it takes for bad and is not; then one function that reads."""
