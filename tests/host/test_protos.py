"""The worker's messages are as strict as the real ones."""

import pytest

from local.host.protos import protos


def test_a_message_survives_its_wire_form() -> None:
    http = protos().RpcHttp(method="POST", headers={"a": "b"}, body=protos().TypedData(bytes=b"\x00"))
    call = protos().InvocationRequest(trigger_metadata={"req": protos().TypedData(http=http)})
    assert protos().InvocationRequest.FromString(call.SerializeToString()) == call


def test_only_one_kind_of_data_is_held_at_a_time() -> None:
    data = protos().TypedData(string="text")
    data.json = "{}"
    assert data.WhichOneof("data") == "json"


@pytest.mark.parametrize("fields", [{"nowhere": 1}, {"name": 5}, {"bindings": {"a": None}}])
def test_an_unknown_field_and_a_wrong_type_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError)):
        protos().RpcFunctionMetadata(**fields)
