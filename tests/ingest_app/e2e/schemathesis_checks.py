"""Our replacement for Schemathesis's check "invalid data is rejected", which does not hold here.

A click with an invalid optional field is accepted without that field. So a body that breaks the schema may be
accepted. What does hold: every click of a request has one receipt, and the receipts add up.
"""

import json
from typing import Any

import schemathesis


@schemathesis.check
def receipts_add_up(ctx: Any, response: Any, case: Any) -> None:
    if case.path != "/clicks" or case.method not in ("PUT", "POST"):
        return
    if response.status_code == 202:
        body = response.json()
        results = [receipt["result"] for receipt in body["receipts"]]
        assert [receipt["index"] for receipt in body["receipts"]] == list(range(len(results)))
        assert results.count("accepted") == body["accepted"] > 0
        assert results.count("rejected") == body["rejected"]
        assert results.count("duplicate") == body["duplicates"]
        assert len(results) == clicks_in(response.request.body)
        for receipt in body["receipts"]:
            assert ("field" in receipt) == ("reason" in receipt) == (receipt["result"] == "rejected")
    elif response.status_code == 400 and response.json()["code"] == "no_valid_click":
        body = response.json()
        clicks = clicks_in(response.request.body)
        assert body["rejected"] == clicks
        assert {error["index"] for error in body["errors"]} == set(range(clicks))
    else:
        assert response.status_code in (400, 405, 413, 415), response.text


def clicks_in(body: bytes | str) -> int:
    value = json.loads(body)
    if isinstance(value, dict):
        value = value.get("clicks", [value])
    return len(value)
