"""Selections: which chunks they touch, and which part of each chunk."""
