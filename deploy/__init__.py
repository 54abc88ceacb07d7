"""`make deploy` and `make undeploy`: one stage of Clicklake, into the account, region and endpoint at hand.

Run by `.run/envs/aws`, which has the AWS CLI. docs/deploy.md has each step as the raw command.
"""
