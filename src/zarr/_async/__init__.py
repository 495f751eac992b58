"""Arrays and groups whose methods are coroutines, for asynchronous code.

Each method calls that of the synchronous class in a thread.

Public names: `AsyncArray`, `AsyncGroup`, `AsyncOIndex`, `AsyncVIndex`. May import everything but
the command line.
"""
