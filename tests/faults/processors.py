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
    "is killed for using too much memory": "os.kill(os.getpid(), signal.SIGKILL)",
    "returns nothing": "return None",
    "returns a string": 'return "done"',
    "returns no records": 'return {"records": []}',
    "returns half of the records": "return {'records': [failed(id) for id in ids[1::2]]}",
    "returns each record twice": "return {'records': [ok(id) for id in ids * 2]}",
    "returns unknown record ids": "return {'records': [ok(id + '0') for id in ids]}",
    "returns data that is not base64": "return {'records': [ok(id) | {'data': '!'} for id in ids]}",
    "returns an unknown result": "return {'records': [ok(id) | {'result': 'Fine'} for id in ids]}",
    "returns more than 6 MB": "return {'records': [ok(id) | {'data': LINE * 2_000_000} for id in ids]}",
}

_HELPER = """

def failed(id):
    return {"recordId": id, "result": "ProcessingFailed"}

def ok(id):
    return {"recordId": id, "result": "Ok", "data": LINE}
"""

# Firehose believes what a processor says: of these, nothing comes to failed/.
_ENDS["drops every record"] = "return {'records': [{'recordId': id, 'result': 'Dropped'} for id in ids]}"
_ENDS["returns Ok with garbage"] = "return {'records': [ok(id) for id in ids]}"

LIARS = ("drops every record", "returns Ok with garbage")
SOURCES = {name: _BEGINNING + end + _HELPER for name, end in _ENDS.items()}
