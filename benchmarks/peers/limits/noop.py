"""The limit of every handler: one that does nothing."""


def handler(event, context):
    return {"statusCode": 202, "headers": {"Content-Type": "application/json"}, "body": "{}"}
