"""FastAPI behind Mangum."""

import boto3
import job
from fastapi import FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from mangum import Mangum

app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["PUT", "POST"])
firehose = boto3.client("firehose")


@app.put("/clicks")
@app.post("/clicks")
async def take_clicks(request: Request) -> Response:
    # The put blocks the event loop: in a Lambda function, which has one request at a time, that is fastest.
    record, answer = job.accept(
        await request.body(), request.client.host, request.headers.get("user-agent", "")
    )
    firehose.put_record(DeliveryStreamName=job.SETTINGS.click_stream, Record={"Data": record})
    return Response(answer, 202, media_type="application/json")


handler = Mangum(app, lifespan="off")
