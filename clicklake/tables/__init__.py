"""The lake's tables on this machine: their columns, and how DuckDB reads them from lines and Parquet."""
