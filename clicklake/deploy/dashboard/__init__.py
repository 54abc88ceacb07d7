"""The dashboard of a stage: its function, which Zappa deploys, and its password."""
