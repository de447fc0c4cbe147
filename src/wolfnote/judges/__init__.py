"""Who scores. So far the judge-free one: ``judges.margin``."""
