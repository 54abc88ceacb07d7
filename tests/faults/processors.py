"""Processors that break Firehose's contract, each in its own way."""

_BEGINNING = """
import base64, os, signal, time

LINE = base64.b64encode(b"{}\\n").decode()

def lambda_handler(event, context):
    ids = [record["recordId"] for record in event["records"]]
    """

_ENDS = {
    "raises": 'raise RuntimeError("as told")',
    "takes too long": "time.sleep(600)",
    "is killed for its memory": "os.kill(os.getpid(), signal.SIGKILL)",
    "answers nothing": "return None",
    "answers a text": 'return "done"',
    "answers no records": 'return {"records": []}',
    "answers for half of the records": "return {'records': [failed(id) for id in ids[1::2]]}",
    "answers for each record twice": "return {'records': [ok(id) for id in ids * 2]}",
    "answers for others' records": "return {'records': [ok(id + '0') for id in ids]}",
    "answers with data that is no base64": "return {'records': [ok(id) | {'data': '!'} for id in ids]}",
    "answers with a result of its own": "return {'records': [ok(id) | {'result': 'Fine'} for id in ids]}",
    "answers over 6 MB": "return {'records': [ok(id) | {'data': LINE * 2_000_000} for id in ids]}",
}

_HELPER = """

def failed(id):
    return {"recordId": id, "result": "ProcessingFailed"}

def ok(id):
    return {"recordId": id, "result": "Ok", "data": LINE}
"""

# Firehose believes what a processor says: of these, nothing comes to failed/.
_ENDS["drops every record"] = "return {'records': [{'recordId': id, 'result': 'Dropped'} for id in ids]}"
_ENDS["says Ok and answers with rubbish"] = "return {'records': [ok(id) for id in ids]}"

LIARS = ("drops every record", "says Ok and answers with rubbish")
SOURCES = {name: _BEGINNING + end + _HELPER for name, end in _ENDS.items()}
