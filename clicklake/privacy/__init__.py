"""`clicklake visitor-id`: the visitor number of a person for one day, for a request about their data."""
