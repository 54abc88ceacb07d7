"""Flask as Zappa ships it with the settings that it cannot do without, and no other."""

import boto3
import job
from flask import Flask, Response, request
from flask_cors import CORS

app = Flask(__name__)
CORS(app)
firehose = boto3.client("firehose")


@app.route("/clicks", methods=["PUT", "POST"])
def take_clicks() -> Response:
    record, answer = job.accept(request.get_data(), request.remote_addr, request.user_agent.string)
    firehose.put_record(DeliveryStreamName=job.SETTINGS.click_stream, Record={"Data": record})
    return Response(answer, 202, mimetype="application/json")
