"""kafka-python's scenarios, one for each run: kafka_python.py SCENARIO."""

import importlib.util
import os
import sys
import threading
import time

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ACL, ACLFilter, ACLOperation, ACLPermissionType, ACLResourcePatternType, ConfigResource
from kafka.admin import ConfigResourceType, NewPartitions, NewTopic, ResourcePattern, ResourcePatternFilter, ResourceType
from kafka.errors import TopicAlreadyExistsError
from kafka.structs import OffsetAndMetadata

PATIENCE = 40


def settings(**more):
    conf = {
        "bootstrap_servers": os.environ["BOOTSTRAP"].split(","),
        "security_protocol": os.environ["PROTOCOL"],
        "client_id": "kafka-python",
    }
    if os.environ["MECHANISM"]:
        conf["sasl_mechanism"] = os.environ["MECHANISM"]
        conf["sasl_plain_username"] = os.environ["USERNAME"]
        conf["sasl_plain_password"] = os.environ["PASSWORD"]
    if "SSL" in os.environ["PROTOCOL"]:
        conf["ssl_cafile"] = os.environ["CA"]
        conf["ssl_certfile"] = os.environ["CERT"]
        conf["ssl_keyfile"] = os.environ["KEY"]
    return {**conf, **more}


def consumer(*topics, **more):
    more = {"auto_offset_reset": "earliest", "heartbeat_interval_ms": 100, "session_timeout_ms": 6000, **more}
    return KafkaConsumer(*topics, **settings(**more))


def send(topic, values, **more):
    producer = KafkaProducer(**settings(acks="all", **more))
    for future in [producer.send(topic, key=v.encode(), value=v.encode(), headers=[("h", b"1")]) for v in values]:
        future.get(PATIENCE)
    producer.close()


def receive(c, n):
    got = []
    deadline = time.monotonic() + PATIENCE
    while len(got) < n:
        assert time.monotonic() < deadline, f"{len(got)} of {n} messages came"
        for records in c.poll(timeout_ms=200).values():
            got += [r.value.decode() for r in records]
    return got


def make(topic, partitions=3):
    admin = KafkaAdminClient(**settings())
    admin.create_topics([NewTopic(topic, partitions, 3)])
    return admin


def produce():
    topic = "produced-" + os.environ["PROTOCOL"] + os.environ["MECHANISM"] + str(os.getpid())
    values = [f"v{i}" for i in range(100)]
    send(topic, values)
    c = consumer(topic, group_id="g-" + topic)
    assert sorted(receive(c, 100)) == sorted(values)
    c.close()


def codecs():
    modules = {"gzip": "gzip", "snappy": "snappy", "lz4": "lz4.frame", "zstd": "zstandard"}
    for codec, module in modules.items():
        if importlib.util.find_spec(module.split(".")[0]) is None:
            continue
        make("t-" + codec, 1)
        values = [f"{codec}{i}" * 10 for i in range(200)]
        send("t-" + codec, values, compression_type=codec, linger_ms=5)
        c = consumer("t-" + codec)
        assert receive(c, 200) == values
        c.close()


def group():
    """Grows a group to two members and shrinks it again."""
    make("t", 4)
    got, stop, problems = [], threading.Event(), []

    def run(until):
        c = consumer(group_id="g")
        c.subscribe(["t"])
        try:
            while not stop.is_set() and not until(c.assignment()):
                for records in c.poll(timeout_ms=50).values():
                    got.extend(r.value.decode() for r in records)
        except Exception as e:
            problems.append(e)
        finally:
            c.close()

    def wait(n):
        deadline = time.monotonic() + PATIENCE
        while len(set(got)) < n:
            assert not problems, problems
            assert time.monotonic() < deadline, f"{len(set(got))} of {n} values came"
            time.sleep(0.02)

    first = threading.Thread(target=run, args=(lambda held: False,))
    first.start()
    send("t", [f"a{i}" for i in range(50)])
    wait(50)
    second = threading.Thread(target=run, args=(lambda held: len(held) == 2,))
    second.start()
    second.join(PATIENCE)
    assert not second.is_alive(), "the second member never got its half"
    send("t", [f"b{i}" for i in range(50)])
    wait(100)
    stop.set()
    first.join(PATIENCE)
    assert not problems, problems


def offsets():
    make("t", 1)
    send("t", [f"v{i}" for i in range(10)])
    part = TopicPartition("t", 0)
    c = consumer(group_id="g", enable_auto_commit=False)
    assert c.committed(part) is None
    c.assign([part])
    receive(c, 10)
    c.commit({part: OffsetAndMetadata(4, "note")})
    assert c.committed(part, metadata=True) == OffsetAndMetadata(4, "note")
    c.close()
    c = consumer("t", group_id="g")
    assert receive(c, 6) == [f"v{i}" for i in range(4, 10)]
    c.close()


def times():
    make("t", 1)
    producer = KafkaProducer(**settings())
    for i in range(10):
        producer.send("t", value=b"v", timestamp_ms=1000 * (i + 1), partition=0).get(PATIENCE)
    producer.close()
    part = TopicPartition("t", 0)
    c = consumer()
    assert c.offsets_for_times({part: 4500})[part].offset == 4
    assert c.beginning_offsets([part]) == {part: 0}
    assert c.end_offsets([part]) == {part: 10}
    assert c.partitions_for_topic("t") == {0}
    c.close()


def admin():
    a = make("t", 2)
    try:
        a.create_topics([NewTopic("t", 2, 3)])
        raise AssertionError("the topic was made twice")
    except TopicAlreadyExistsError:
        pass
    a.create_partitions({"t": NewPartitions(5)})
    described = a.describe_topics(["t"])
    assert len(described[0]["partitions"]) == 5, described
    assert len(a.describe_cluster()["brokers"]) == 3
    a.alter_configs([ConfigResource(ConfigResourceType.TOPIC, "t", {"retention.ms": "12345"})])
    answers = a.describe_configs([ConfigResource(ConfigResourceType.TOPIC, "t")])
    values = {entry[0]: entry[1] for answer in answers for entry in answer.resources[0][4]}
    assert values["retention.ms"] == "12345", values
    send("t", ["v"])
    c = consumer("t", group_id="g")
    receive(c, 1)
    assert ("g", "consumer") in a.list_consumer_groups()
    described = a.describe_consumer_groups(["g"])
    assert described[0].state == "Stable", described
    c.close()
    assert a.list_consumer_group_offsets("g")
    assert a.delete_consumer_groups(["g"])[0][1].errno == 0
    a.delete_topics(["t"])
    a.close()


def acls():
    a = make("t", 1)
    acl = ACL("User:bob", "*", ACLOperation.READ, ACLPermissionType.ALLOW, ResourcePattern(ResourceType.TOPIC, "t"))
    assert a.create_acls([acl])["failed"] == []
    every = ACLFilter(None, "*", ACLOperation.ANY, ACLPermissionType.ANY,
                      ResourcePatternFilter(ResourceType.TOPIC, "t", ACLResourcePatternType.ANY))
    found, _ = a.describe_acls(every)
    assert found == [acl], found
    deleted = a.delete_acls([every])
    assert [acl for acl, error in deleted[0][1]] == [acl], deleted
    a.close()


def versions():
    """kafka-python takes a version by hand, too."""
    for version in [(0, 8, 2), (0, 9), (0, 10, 2), (0, 11), (1, 0, 0), (2, 0, 0), (2, 5, 0)]:
        topic = "t-" + "-".join(map(str, version))
        make(topic, 1)
        send(topic, ["a", "b"]) if version >= (0, 11) else send_plain(topic, ["a", "b"], version)
        c = consumer(api_version=version)
        c.assign([TopicPartition(topic, 0)])
        assert receive(c, 2) == ["a", "b"], version
        c.close()


def send_plain(topic, values, version):
    producer = KafkaProducer(**settings(acks="all", api_version=version))
    for v in values:
        producer.send(topic, value=v.encode()).get(PATIENCE)
    producer.close()


if __name__ == "__main__":
    globals()[sys.argv[1]]()
