"""Functions of the 3.x library that change stored metadata."""
