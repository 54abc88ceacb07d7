"""What a stage has on AWS beside its functions: stacks, buckets and APIs."""
