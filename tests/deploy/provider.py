"""A provider for Terraform that knows the AWS provider's schemas and does nothing: enough for `terraform validate`, and for
`terraform test` with a mocked provider, which asks the real one only for its schemas. It speaks Terraform's plugin protocol, version
6 (https://developer.hashicorp.com/terraform/plugin/terraform-plugin-protocol), over gRPC on loopback.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc

SCHEMAS = Path(__file__).parent / "aws-provider.json"
SOURCE = "registry.terraform.io/hashicorp/aws"

# NestingMode of the protocol.
NESTING = {"single": 1, "list": 2, "set": 3}


@contextmanager
def running():
    """Runs the provider, and returns the environment in which Terraform uses it instead of the one in the registry."""
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    server.add_generic_rpc_handlers([Provider(json.loads(SCHEMAS.read_text()))])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    reattach = {
        SOURCE: {
            "Protocol": "grpc",
            "ProtocolVersion": 6,
            "Pid": 1,
            "Test": True,
            "Addr": {"Network": "tcp", "String": f"127.0.0.1:{port}"},
        }
    }
    try:
        yield {"TF_REATTACH_PROVIDERS": json.dumps(reattach)}
    finally:
        server.stop(grace=None)


class Provider(grpc.GenericRpcHandler):
    """Responds to every call of the protocol: to a request for the schemas with the schemas, otherwise with an empty message, which
    has no diagnostics."""

    def __init__(self, schemas):
        self.schemas = provider_schema_response(schemas)

    def service(self, call):
        service, method = call.method.lstrip("/").split("/")
        if service != "tfplugin6.Provider":
            return None
        response = self.schemas if method == "GetProviderSchema" else b""
        return grpc.unary_unary_rpc_method_handler(lambda request, context: response)


def provider_schema_response(schemas):
    message = field(1, schema(schemas["provider"]))
    for number, kind in ((2, "resources"), (3, "data_sources")):
        for name, described in schemas[kind].items():
            message += field(number, field(1, name.encode()) + field(2, schema(described)))
    return message


def schema(described):
    return field(2, block(described))


def block(described):
    message = b""
    for name, attribute in described["attributes"].items():
        message += field(2, field(1, name.encode()) + field(2, json.dumps(attribute["type"]).encode()) + presence(attribute))
    for name, nested in described["blocks"].items():
        limits = number(4, nested["min"]) + number(5, nested["max"])
        message += field(3, field(1, name.encode()) + field(2, block(nested)) + number(3, NESTING[nested["nesting"]]) + limits)
    return message


def presence(attribute):
    return b"".join(
        number(place, 1) for place, word in ((4, "required"), (5, "optional"), (6, "computed")) if attribute.get(word)
    )


def field(place, content):
    """A field of bytes, or of a message, in Protocol Buffers."""
    return varint(place << 3 | 2) + varint(len(content)) + content


def number(place, value):
    return varint(place << 3) + varint(value) if value else b""


def varint(value):
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(encoded) + bytes([value])
