"""The name of every AWS resource of a stage.

Zappa gives its function, its API and its own CloudFormation stack the same name, and it replaces the template
of any stack that already has this name. So none of our stacks may ever be called that.
"""


def zappa(stage: str) -> str:
    return f"clicklake-{stage}"


def stream(stage: str) -> str:
    return f"clicklake-{stage}"


def zappa_role(stage: str) -> str:
    return f"clicklake-{stage}-ZappaLambdaExecutionRole"


def lake_stack(stage: str) -> str:
    return f"clicklake-lake-{stage}"


def site_stack(stage: str) -> str:
    return f"clicklake-site-{stage}"


def alarms_stack(stage: str) -> str:
    return f"clicklake-alarms-{stage}"


def artifacts_bucket(account: str, region: str) -> str:
    """Return the bucket that bundles are uploaded to. Bucket names are global: one per account and region."""
    return f"clicklake-artifacts-{account}-{region}"


def visitor_key_table(stage: str) -> str:
    return f"clicklake-visitor-key-{stage}"
