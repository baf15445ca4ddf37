# Calls of every kind as grpcio makes them, with mutual TLS: what came of them
# goes to standard output. The messages are made here, from the ancestor's
# description, and compared with what the server says of itself by reflection.
#
#   calls.py address directory-of-certificates

import os
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

address, certs = sys.argv[1:]


def described(name, package, messages):
    """A file of messages, each {field: (number, type, repeated)}."""
    kinds = {"bytes": 12, "string": 9, "uint64": 4, "uint32": 13, "bool": 8}
    file = descriptor_pb2.FileDescriptorProto(name=name, package=package, syntax="proto3")
    for message, fields in messages.items():
        m = file.message_type.add(name=message)
        for field, (number, kind, repeated) in fields.items():
            f = m.field.add(name=field, number=number, label=3 if repeated else 1)
            if kind in kinds:
                f.type = kinds[kind]
            else:
                f.type, f.type_name = 11, "." + package + "." + kind
    return file


def classes(file):
    """The messages of a file, by name."""
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    if hasattr(message_factory, "GetMessageClass"):
        make = message_factory.GetMessageClass
    else:
        make = message_factory.MessageFactory(pool).GetPrototype
    return {m.name: make(pool.FindMessageTypeByName(file.package + "." + m.name)) for m in file.message_type}


ancestor = described("ancestor.proto", "log.v1", {
    "Record": {
        "value": (1, "bytes", False), "offset": (2, "uint64", False),
        "term": (3, "uint64", False), "type": (4, "uint32", False),
    },
    "ProduceRequest": {"record": (1, "Record", False)},
    "ProduceResponse": {"offset": (1, "uint64", False)},
    "ConsumeRequest": {"offset": (1, "uint64", False)},
    "ConsumeResponse": {"record": (2, "Record", False)},
    "GetServersRequest": {},
    "GetServersResponse": {"servers": (1, "Server", True)},
    "Server": {"id": (1, "string", False), "rpc_addr": (2, "string", False), "is_leader": (3, "bool", False)},
})
log = classes(ancestor)
reflection = classes(described("mirror.proto", "grpc.reflection.v1", {
    "ServerReflectionRequest": {
        "file_containing_symbol": (4, "string", False), "list_services": (7, "string", False),
    },
    "ServerReflectionResponse": {
        "file_descriptor_response": (4, "FileDescriptorResponse", False),
        "list_services_response": (6, "ListServiceResponse", False),
    },
    "FileDescriptorResponse": {"file_descriptor_proto": (1, "bytes", True)},
    "ListServiceResponse": {"service": (1, "ServiceResponse", True)},
    "ServiceResponse": {"name": (1, "string", False)},
}))


def read(name):
    with open(os.path.join(certs, name), "rb") as f:
        return f.read()


def connect(name):
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(
        read("ca.pem"), read(name + "-key.pem"), read(name + ".pem")))


def method(channel, kind, name, request, response):
    return getattr(channel, kind)(
        "/log.v1.Log/" + name, request_serializer=lambda m: m.SerializeToString(),
        response_deserializer=log[response].FromString)


def produced(value):
    return log["ProduceRequest"](record=log["Record"](value=value))


def fails(who, call):
    try:
        call()
    except grpc.RpcError as error:
        print(who, error.code().name, who in error.details())
    else:
        print(who, "did not fail")


root = connect("root")
produce = method(root, "unary_unary", "Produce", "ProduceRequest", "ProduceResponse")
consume = method(root, "unary_unary", "Consume", "ConsumeRequest", "ConsumeResponse")
follow = method(root, "unary_stream", "ConsumeStream", "ConsumeRequest", "ConsumeResponse")
produce_all = method(root, "stream_stream", "ProduceStream", "ProduceRequest", "ProduceResponse")

print("produce", produce(produced(b"hello")).offset)
record = consume(log["ConsumeRequest"](offset=0)).record
print("consume", record.offset, record.value, record.term, record.type)
print("produce stream", [answer.offset for answer in produce_all(produced(b"%d" % i) for i in range(3))])
stream = follow(log["ConsumeRequest"](offset=0))
print("consume stream", [(a.record.offset, a.record.value) for _, a in zip(range(4), stream)])
print("produce", produce(produced(b"late")).offset)
last = next(stream).record  # which waited for it
print("consume stream", last.offset, last.value)
stream.cancel()
fails("99", lambda: consume(log["ConsumeRequest"](offset=99)))
nobody = method(connect("nobody"), "unary_unary", "Produce", "ProduceRequest", "ProduceResponse")
fails("nobody", lambda: nobody(produced(b"no")))
servers = method(root, "unary_unary", "GetServers", "GetServersRequest", "GetServersResponse")
print("servers", [(s.id, s.rpc_addr == address, s.is_leader) for s in servers(log["GetServersRequest"]()).servers])

mirror = root.stream_stream(
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    request_serializer=lambda m: m.SerializeToString(),
    response_deserializer=reflection["ServerReflectionResponse"].FromString)
ask = reflection["ServerReflectionRequest"]
listed, found = mirror(iter([ask(list_services="*"), ask(file_containing_symbol="log.v1.Log")]))
print("services", sorted(s.name for s in listed.list_services_response.service if "v1alpha" not in s.name))
served = descriptor_pb2.FileDescriptorProto.FromString(found.file_descriptor_response.file_descriptor_proto[0])
told = {(m.name, f.name, f.number, f.type, f.label) for m in served.message_type for f in m.field}
missing = {(m.name, f.name, f.number, f.type, f.label) for m in ancestor.message_type for f in m.field} - told
print("methods", [m.name for m in served.service[0].method][:5])
print("the ancestor's fields that are not served:", sorted(missing))
