"""Abstract classes of the 3.x library, for code that subclasses them or checks for them."""
