"""What everything of a stage is called.

Zappa's function, its API and its own CloudFormation stack all bear one name, and Zappa puts its template in
the place of whatever stack it finds there: so no stack of ours may ever be called that.
"""


def zappa(stage: str) -> str:
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
    """Where bundles are uploaded to: one per account and region, as a bucket's name is the whole world's."""
    return f"clicklake-artifacts-{account}-{region}"
