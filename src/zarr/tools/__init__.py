"""Long jobs on whole arrays and hierarchies."""
