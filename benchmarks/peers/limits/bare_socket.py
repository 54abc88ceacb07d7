"""The limit of every put: the body to Firehose as it is, unsigned, over a socket without a client."""

import os
import socket
from base64 import b64encode

host, _, port = os.environ["AWS_ENDPOINT_URL"].removeprefix("http://").partition(":")
connection = socket.create_connection((host, int(port)))
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
head = (
    f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-amz-json-1.1\r\n"
    "X-Amz-Target: Firehose_20150804.PutRecord\r\nContent-Length: "
).encode()


def handler(event, context):
    data = b64encode(event["body"].encode())
    body = b'{"DeliveryStreamName":"clicklake-dev","Record":{"Data":"%b"}}' % data
    connection.sendall(b"%b%d\r\n\r\n%b" % (head, len(body), body))
    assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    return {"statusCode": 202, "headers": {"Content-Type": "application/json"}, "body": "{}"}
