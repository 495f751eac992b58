"""The pages of the documentation as tests."""
