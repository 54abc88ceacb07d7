"""Who may see the dashboard of this machine: whoever has the random token of the printed address.

The token comes once, in the address; a cookie holds it from then on. A page of another site can neither read
the answers (there is no CORS header) nor reach them under another name (the Host must be this machine's).
"""

import hmac
import secrets
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from flask import Request, Response, redirect

TOKEN_BYTES = 32


def new_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


@dataclass(frozen=True)
class TokenGate:
    """Lets in whoever has the token, by an address of this machine."""

    port: int
    token: str = field(repr=False)

    @property
    def cookie(self) -> str:
        """Cookies do not tell ports apart, so the name does."""
        return f"clicklake-dashboard-{self.port}"

    def check(self, request: Request) -> Response | tuple[str, int] | None:
        """Return what to answer instead; None if the request may pass."""
        if request.host not in {f"{name}:{self.port}" for name in ("127.0.0.1", "localhost")}:
            return "This name does not lead to the dashboard of this machine.\n", 403
        if request.path == "/health":
            return None
        if (given := request.args.get("token")) is not None:
            if not self._is_token(given):
                return _WRONG, 401
            rest = urlencode([pair for pair in request.args.items(multi=True) if pair[0] != "token"])
            path = quote(request.path)  # it can hold a line end, which no header may
            answer = redirect(f"{path}?{rest}" if rest else path, 303)
            assert isinstance(answer, Response)
            answer.set_cookie(self.cookie, self.token, httponly=True, samesite="Strict")
            return answer
        if self._is_token(request.cookies.get(self.cookie, "")):
            return None
        return _WRONG, 401

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.token.encode())


# After a link on another site's page the browser sends no cookie, but it does after a link on ours.
_WRONG = (
    "<!doctype html><title>Clicklake</title>"
    "<p>Open the address that `clicklake dashboard` or `make run` printed: it holds the key to this page.</p>"
    '<p>If this browser has opened it before: <a href="">show this view</a>.</p>\n'
)
