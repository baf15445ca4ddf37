# Calls of all kinds, as grpcio makes them, by raw bytes: what came of them
# goes to standard output.

import sys
import threading

import grpc

channel = grpc.insecure_channel(sys.argv[1])
service = "/grpc.testing.TestService/"
PONG = b"\x12\x02\x08\x03"  # one response_parameters of size 3
WAIT = b"\x1a\x06\x12\x04wait"  # a payload that makes the server wait


def own(metadata):
    return sorted((k, v) for k, v in metadata or () if k.startswith(("x-", "when", "why")))


def told(error):
    return error.code().name, error.details(), own(error.initial_metadata()), own(error.trailing_metadata())


def see(who, *what):
    print(who, *(w.hex() if isinstance(w, bytes) else w for w in what))


call = channel.unary_unary(service + "UnaryCall")
echo = (("x-grpc-test-echo-initial", "there"), ("x-grpc-test-echo-trailing-bin", b"\x00\xff"))
answer, state = call.with_call(b"\x10\x05", metadata=echo)
see("unary", answer, own(state.initial_metadata()), own(state.trailing_metadata()))
try:
    call(b"\x3a\x08\x08\x09\x12\x04when")
except grpc.RpcError as error:
    see("error", told(error))
try:
    call(WAIT, timeout=0.3)
except grpc.RpcError as error:
    see("deadline", error.code().name)

for message in channel.unary_stream(service + "StreamingOutputCall")(PONG + PONG):
    see("download", message)
see("upload", channel.stream_unary(service + "StreamingInputCall")(iter([b"\x0a\x03\x12\x01a", b"\x0a\x04\x12\x02bc"])))
for message in channel.stream_stream(service + "FullDuplexCall")(iter([PONG, b"", PONG + PONG])):
    see("talk", message)

over = threading.Event()


def until_it_is_over():
    yield PONG
    over.wait()


given_up = channel.stream_stream(service + "FullDuplexCall")(until_it_is_over())
see("given up", next(given_up))
given_up.cancel()
try:
    list(given_up)
except grpc.RpcError as error:
    see("given up", error.code().name)
over.set()
try:
    channel.unary_unary(service + "UnimplementedCall")(b"")
except grpc.RpcError as error:
    see("unimplemented", error.code().name, error.details())
