"""The gRPC probe: grpc.health.v1.Health/Check, on the loop. Its two messages are so small that no generated code is needed.

HealthCheckRequest{string service = 1}, HealthCheckResponse{ServingStatus status = 1}.
Source: k8s.io/kubernetes/pkg/probe/grpc, github.com/grpc/grpc/doc/health-checking.md.

Tests: tests/runtime/probing/test_probes.py
"""

from shipslog.runtime.commands import Hook

ANSWER_BYTES = 64 * 1024
_STATUSES = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")


async def check(action: Hook) -> tuple[bool, str]:
    """(whether it serves, why not). The caller sets the deadline."""
    try:
        import grpc
        import grpc.aio
    except ImportError:
        return False, "gRPC probes need the package grpcio: install shipslog[cri]"
    options = [("grpc.max_receive_message_length", ANSWER_BYTES), ("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(action.grpc, options=options) as channel:
        try:
            answer: bytes = await channel.unary_unary("/grpc.health.v1.Health/Check")(_request(action.grpc_service))
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                what = "this server does not implement the grpc health protocol (grpc.health.v1.Health)"
                return False, f"error: {what}: {error.details()}"
            return False, f"error: health rpc probe failed: {error.code().name}: {error.details()}"
    status = answer[1] if answer[:1] == b"\x08" and len(answer) > 1 else 0
    name = _STATUSES[status] if status < len(_STATUSES) else str(status)
    return name == "SERVING", f'service unhealthy (responded with "{name}")'


def _request(service: str) -> bytes:
    name = service.encode()
    return b"\x0a" + _varint(len(name)) + name if name else b""


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*parts, number))
