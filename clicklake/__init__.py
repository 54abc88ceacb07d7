"""The `clicklake` command: everything that runs on an operator's machine."""
