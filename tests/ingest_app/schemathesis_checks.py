"""Our own check in place of Schemathesis's "invalid data is rejected", which partial acceptance makes untrue.

A field that breaks its rule may be left out of a click, so a body that breaks the schema may be taken. What
holds instead: every click of a request has one receipt, and the receipts add up.
"""

import json
from typing import Any

import schemathesis


@schemathesis.check
def receipts_add_up(ctx: Any, response: Any, case: Any) -> None:
    if case.path != "/clicks" or case.method not in ("PUT", "POST"):
        return
    if response.status_code == 202:
        answer = response.json()
        results = [receipt["result"] for receipt in answer["receipts"]]
        assert [receipt["index"] for receipt in answer["receipts"]] == list(range(len(results)))
        assert results.count("accepted") == answer["accepted"] > 0
        assert results.count("rejected") == answer["rejected"]
        assert results.count("duplicate") == answer["duplicates"]
        assert len(results) == clicks_in(response.request.body)
        for receipt in answer["receipts"]:
            assert ("field" in receipt) == ("reason" in receipt) == (receipt["result"] == "rejected")
    elif response.status_code == 400 and response.json()["code"] == "no_valid_click":
        answer = response.json()
        clicks = clicks_in(response.request.body)
        assert answer["rejected"] == clicks
        assert {error["index"] for error in answer["errors"]} == set(range(clicks))
    else:
        assert response.status_code in (400, 405, 413, 415), response.text


def clicks_in(body: bytes | str) -> int:
    value = json.loads(body)
    if isinstance(value, dict):
        value = value.get("clicks", [value])
    return len(value)
