"""Chalice, packed by itself."""

import boto3
import job
from chalice import Chalice, Response

app = Chalice(app_name="clicks")
firehose = boto3.client("firehose")


@app.route("/clicks", methods=["PUT", "POST"], cors=True)
def take_clicks() -> Response:
    request = app.current_request
    record, answer = job.accept(
        request.raw_body, request.context["identity"]["sourceIp"], request.headers["user-agent"]
    )
    firehose.put_record(DeliveryStreamName=job.SETTINGS.click_stream, Record={"Data": record})
    return Response(answer.decode(), {"Content-Type": "application/json"}, 202)
