"""What `approve` does: shows a question that `deploy` has asked, and takes the answer."""

import base64
import re
import urllib.parse

from .common import done
from .deploy import Asked


class Answered(Asked):
    """The page of a question, opened and then answered with yes."""

    function, name, events = "approve", "page and answer", 2

    def more_environment(self) -> dict[str, str]:
        return super().more_environment() | {"NIGHTSHIFT_DEPLOY_FUNCTION": "nightshift-deploy"}

    def build(self) -> None:
        super().build()
        self.have_handled("deploy", [lambda: Asked.event(self, 0)])
        Asked.before(self, 1)
        self.have_handled("deploy", [lambda: Asked.event(self, 1)])
        asked = {message.fields.get("kind"): message.fields for message in self.messages}
        self.token = urllib.parse.parse_qs(urllib.parse.urlsplit(asked["approval"]["link"]).query)["t"][0]
        self.code = asked["approval_code"]["code"]

    def before(self, number: int) -> None:
        pass

    def event(self, number: int) -> dict:
        return self.visit("GET") if number == 0 else self.visit("POST", {"t": self.token, "code": self.code, "verdict": "approve"})

    def visit(self, method: str, form: dict[str, str] | None = None) -> dict:
        """A request of the function URL."""
        http = {"method": method, "path": "/", "protocol": "HTTP/1.1", "sourceIp": "198.51.100.7", "userAgent": "proof"}
        event = {"version": "2.0", "rawPath": "/", "rawQueryString": "", "headers": {}, "requestContext": {"http": http}, "isBase64Encoded": False}
        if form is None:
            return event | {"rawQueryString": urllib.parse.urlencode({"t": self.token})}
        body = base64.b64encode(urllib.parse.urlencode(form).encode()).decode()
        return event | {"headers": {"content-type": "application/x-www-form-urlencoded"}, "body": body, "isBase64Encoded": True}

    def answers(self) -> list[dict]:
        return [item for item in self.items() if item["pk"].startswith("answer#")]

    def state(self) -> dict:
        answers = self.answers()
        verdicts = [re.search(r"approve|reject", str(item)) for item in answers]
        return {"answers": len(answers), "verdicts": [found[0] if found else "" for found in verdicts]}

    def broken(self, calls) -> list[str]:
        taken = [call for call in done(calls, "dynamodb:UpdateItem") + done(calls, "dynamodb:PutItem") if call.status == 200]
        return [f"{len(taken)} answers were written"] if len(taken) > 1 else []
