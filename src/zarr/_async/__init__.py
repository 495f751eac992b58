"""How does code with coroutines use arrays and groups?

Each method calls that of the synchronous class in a thread.

Public names: `AsyncArray`, `AsyncGroup`, `AsyncOIndex`, `AsyncVIndex`. May import everything but
the command line.
"""
