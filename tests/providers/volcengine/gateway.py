"""Volcengine's gateway for stubs: the signature is really verified, actions and versions are known, errors have the common shape."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from apps.providers import volcengine_errors as table
from apps.providers import volcengine_sign
from tests.providers.stub import StubReply, StubRequest, StubVendor

ACCESS_KEY = "AKLTstubaccesskey0001"
SECRET_KEY = "c3R1Yi1zZWNyZXQta2V5LW5vdC1hLXJlYWwtb25l"
REGION = "cn-north-1"
WINDOW_SECONDS = 15 * 60
REFERENCE = Path(__file__).parents[4] / "shared/reference/volcengine"
CREDENTIALS = {"access_key_id": ACCESS_KEY, "secret_access_key": SECRET_KEY}


class Refused(Exception):
    """An error answer: its Code, a message, and a status when it is no common error."""

    def __init__(self, code: str, message: str = "", status: int = 400, number: int = 0) -> None:
        common = table.COMMON_ERRORS.get(code)
        self.code, self.status = code, common.status if common else status
        self.number = common.number if common else number
        super().__init__(message or (common.message if common else code))


class Gateway(StubVendor):
    """Subclasses give `actions` ((action, version) -> method of this class that takes the fields and returns the Result)."""

    service = ""
    actions: Mapping[tuple[str, str], str] = {}
    wrapped = True
    """Whether the fields are in Result (all but translate 2020-06-01)."""

    def operation_of(self, request: StubRequest) -> str:
        return request.query.get("Action", [""])[0]

    def refusal(self, status: int, request: StubRequest) -> StubReply:
        code = {401: "SignatureDoesNotMatch", 403: "AccessDenied", 429: "FlowLimitExceeded", 500: "InternalError"}
        return self._error(request, Refused(code.get(status, "ServiceUnavailableTemp")), status)

    def handle(self, request: StubRequest) -> StubReply:
        try:
            self._authenticate(request)
            version = request.query.get("Version", [""])[0]
            name = self.actions.get((request.operation, version))
            if name is None:
                raise Refused("InvalidActionOrVersion")
            fields = self.fields_of(request)
            self.check_shape(request.operation, fields)
            result = getattr(self, name)(fields, request)
        except Refused as error:
            return self._error(request, error)
        return StubReply(json=self.document_of(request, result))

    def document_of(self, request: StubRequest, result: Any) -> Any:
        """The whole document of a good answer."""
        return {"ResponseMetadata": self.metadata(request), **({} if result is None else {"Result": result})}

    def metadata(self, request: StubRequest) -> dict[str, Any]:
        """What every answer begins with."""
        version = request.query.get("Version", [""])[0]
        return table.metadata(
            action=request.operation, version=version, service=self.service, region=REGION, request_id="20260109stub"
        )

    def fields_of(self, request: StubRequest) -> dict[str, Any]:
        """The action's own fields, from query, JSON or form."""
        if request.method == "GET":
            return {name: values[0] for name, values in request.query.items() if name not in ("Action", "Version")}
        kind = request.headers.get("content-type", "")
        if kind.startswith("application/x-www-form-urlencoded"):
            return {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if not kind.startswith("application/json"):
            raise Refused("InvalidParameter", f"Content-Type {kind!r}")
        return dict(json.loads(request.body))

    def check_shape(self, action: str, fields: Mapping[str, Any]) -> None:
        """Raises Refused for a request that the vendor's field models do not know (where the reference is present)."""

    def _authenticate(self, request: StubRequest) -> None:
        query = request.target.partition("?")[2]
        try:
            claim = volcengine_sign.parse_authorization(request.headers, query)
        except volcengine_sign.SignatureProblem as error:
            raise Refused("InvalidAuthorization", str(error)) from None
        if claim.access_key != ACCESS_KEY:
            raise Refused("InvalidAccessKey")
        if abs(claim.moment - time.time()) > WINDOW_SECONDS:
            raise Refused("InvalidTimestamp")
        if (claim.region, claim.service) != (REGION, self.service):
            raise Refused("SignatureDoesNotMatch", "another region or service")
        signed = volcengine_sign.verify(
            claim, SECRET_KEY, method=request.method, path=request.path, query=query, headers=request.headers, body=request.body
        )  # fmt: skip
        if not signed or "x-content-sha256" not in claim.signed_headers or "host" not in claim.signed_headers:
            raise Refused("SignatureDoesNotMatch")

    def _error(self, request: StubRequest, error: Refused, status: int = 0) -> StubReply:
        told = {"CodeN": error.number, "Code": error.code, "Message": str(error)}
        return StubReply(status or error.status, {"ResponseMetadata": self.metadata(request) | {"Error": told}})


@cache
def models(name: str) -> dict[str, Any]:
    """The field models of the reference; {} where it is not present."""
    path = REFERENCE / name
    return dict(json.loads(path.read_text("utf-8"))["models"]) if path.exists() else {}


def conform(models: Mapping[str, Any], model: str, value: Any, where: str = "") -> list[str]:
    """What is wrong with a value by the vendor's field models: unknown fields, missing ones, types."""
    known = models.get(model)
    if known is None:
        return []
    if not isinstance(value, Mapping):
        return [f"{where or model} is no object"]
    wrong = [f"{where}{name} is unknown" for name in value if name not in known["fields"]]
    for name, field in known["fields"].items():
        if name not in value:
            wrong += [f"{where}{name} is missing"] if field["required"] else []
        else:
            wrong += _typed(models, field["type"], value[name], f"{where}{name}")
    return wrong


def _typed(models: Mapping[str, Any], kind: str, value: Any, where: str) -> list[str]:
    if kind.startswith("list["):
        if not isinstance(value, list):
            return [f"{where} is no list"]
        return [wrong for n, item in enumerate(value) for wrong in _typed(models, kind[5:-1], item, f"{where}.{n}")]
    simple = {"str": str, "int": int, "float": (int, float), "bool": bool}.get(kind)
    if simple is None:
        return conform(models, kind, value, f"{where}.")
    good = isinstance(value, simple) and (kind == "bool" or not isinstance(value, bool))
    return [] if good else [f"{where} is no {kind}"]
