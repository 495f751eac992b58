"""What arrays and groups share: attributes, display, names of members, selection methods."""
