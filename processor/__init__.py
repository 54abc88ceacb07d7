"""The processor: takes a Firehose batch, enriches its clicks, and returns every record id once."""
