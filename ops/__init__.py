"""The operator's commands, `python -m ops …`: the same on AWS and, by AWS_ENDPOINT_URL, on this machine."""
