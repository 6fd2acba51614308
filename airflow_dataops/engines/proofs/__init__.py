"""What sources know of themselves, read where they keep it: each proof vouches for metrics, none reads a row."""
