"""Other operating systems, simulated by what they lack and refuse."""
