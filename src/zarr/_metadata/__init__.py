"""What arrays and groups are: records that belong to no format, and data types."""
