"""The resolver of AWS Lambda Powertools."""

import boto3
import job
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, CORSConfig, Response

app = APIGatewayRestResolver(cors=CORSConfig())
firehose = boto3.client("firehose")


@app.route("/clicks", method=["PUT", "POST"])
def take_clicks() -> Response:
    event = app.current_event
    record, answer = job.accept(
        event.decoded_body.encode(), event.request_context.identity.source_ip, event.headers["User-Agent"]
    )
    firehose.put_record(DeliveryStreamName=job.SETTINGS.click_stream, Record={"Data": record})
    return Response(202, "application/json", answer.decode())


handler = app.resolve
