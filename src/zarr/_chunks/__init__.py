"""Chunks between store and memory: reading, writing, locks, shards, byte ranges."""
