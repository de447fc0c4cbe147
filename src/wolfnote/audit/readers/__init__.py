"""One file a reader: what it means, how it reads with a model, where it errs, and its fitting."""
