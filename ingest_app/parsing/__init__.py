"""From the bytes of a request to clicks, in this order: body, strict, and where strict fails, lenient."""
