"""Answers to the dashboard's questions: one contract, kept by DuckDB and by Athena."""
