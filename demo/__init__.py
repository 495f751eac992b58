"""Real climate and ocean data, stored in one hierarchy: ``python -m demo``."""
