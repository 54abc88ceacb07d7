"""The dashboard as a Lambda function that Zappa deploys, behind an API and a password."""
