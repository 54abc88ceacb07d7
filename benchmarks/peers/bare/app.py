"""A bare handler with boto3: no framework, no routes, one answer."""

import boto3
import job

firehose = boto3.client("firehose")


def handler(event, context):
    record, answer = job.accept(
        event["body"].encode(),
        event["requestContext"]["identity"]["sourceIp"],
        event["headers"]["User-Agent"],
    )
    firehose.put_record(DeliveryStreamName=job.SETTINGS.click_stream, Record={"Data": record})
    headers = {"Content-Type": "application/json", "Access-Control-Allow-Origin": "*"}
    return {"statusCode": 202, "headers": headers, "body": answer.decode()}
