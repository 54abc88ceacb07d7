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


def reader_stack(stage: str) -> str:
    """Return our stack for the dashboard. Zappa's is clicklake-dashboard-<stage>."""
    return f"clicklake-reader-{stage}"


def dashboard(stage: str) -> str:
    """Return what stands for the stage in the names of the dashboard's function, API and Zappa stack."""
    return f"dashboard-{stage}"


def dashboard_stage(stage: str) -> str:
    """Return the dashboard's stage of Zappa, which allows no hyphens."""
    return f"dashboard_{stage}"


def visitor_key_table(stage: str) -> str:
    return f"clicklake-visitor-key-{stage}"
