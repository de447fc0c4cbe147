"""What detectors of weak code share: snippets, parsing, the rules, and whether the weakness was asked for or warned of."""
