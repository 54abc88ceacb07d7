"""The processor: a Firehose batch in, the same record ids out, each click enriched on the way."""
