"""confluent-kafka's scenarios, one for each run: confluent.py SCENARIO."""

import json
import os
import sys
import threading
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka import OFFSET_BEGINNING, OFFSET_INVALID
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

PATIENCE = 40


def settings(**more):
    conf = {
        "bootstrap.servers": os.environ["BOOTSTRAP"],
        "security.protocol": os.environ["PROTOCOL"],
        "client.id": "librdkafka",
    }
    if os.environ["MECHANISM"]:
        conf["sasl.mechanism"] = os.environ["MECHANISM"]
        conf["sasl.username"] = os.environ["USERNAME"]
        conf["sasl.password"] = os.environ["PASSWORD"]
    if "SSL" in os.environ["PROTOCOL"]:
        conf["ssl.ca.location"] = os.environ["CA"]
        conf["ssl.certificate.location"] = os.environ["CERT"]
        conf["ssl.key.location"] = os.environ["KEY"]
    conf.update({name.replace("_", "."): value for name, value in more.items()})
    return conf


def consumer(group, **more):
    more = {"auto_offset_reset": "earliest", "session_timeout_ms": 6000, "heartbeat_interval_ms": 100, **more}
    return Consumer(settings(group_id=group, **more))


def send(producer, topic, values):
    failed = []
    for v in values:
        producer.produce(topic, key=v, value=v, on_delivery=lambda err, _: failed.append(err) if err else None)
    assert producer.flush(PATIENCE) == 0, "not everything was delivered"
    assert not failed, failed


def receive(c, n):
    got = []
    deadline = time.monotonic() + PATIENCE
    while len(got) < n:
        assert time.monotonic() < deadline, f"{len(got)} of {n} messages came"
        m = c.poll(0.2)
        if m is None:
            continue
        assert m.error() is None, m.error()
        got.append(m.value().decode())
    return got


def make(topic, partitions=3):
    admin = AdminClient(settings())
    for future in admin.create_topics([NewTopic(topic, partitions, 3)]).values():
        future.result(PATIENCE)
    return admin


def produce():
    topic = "produced-" + os.environ["PROTOCOL"] + os.environ["MECHANISM"] + str(os.getpid())
    values = [f"v{i}" for i in range(100)]
    send(Producer(settings(enable_idempotence=True)), topic, values)
    c = consumer("g-" + topic)
    c.subscribe([topic])
    assert sorted(receive(c, 100)) == sorted(values)
    c.close()


def codecs():
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"]:
        for acks in ["0", "1", "all"]:
            topic = f"t-{codec}-{acks}"
            make(topic, 1)
            values = [f"{codec}{i}" * 10 for i in range(200)]
            send(Producer(settings(compression_type=codec, acks=acks, linger_ms=5)), topic, values)
            c = consumer("g")
            c.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
            assert receive(c, 200) == values
            c.close()


def members(strategy):
    """Grows a group to two members and shrinks it again."""
    make("t", 4)
    producer = Producer(settings())
    got, stop, problems = [], threading.Event(), []

    def run(c, until):
        held = set()

        def change(add):
            def f(c, parts):
                for p in parts:
                    (held.add if add else held.discard)(p.partition)
                if "cooperative" in strategy:
                    (c.incremental_assign if add else c.incremental_unassign)(parts)
                else:
                    c.assign(parts) if add else c.unassign()
            return f

        c.subscribe(["t"], on_assign=change(True), on_revoke=change(False))
        try:
            while not stop.is_set() and not until(held):
                m = c.poll(0.05)
                if m is not None:
                    assert m.error() is None, m.error()
                    got.append(m.value().decode())
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

    def client():
        return consumer("g", partition_assignment_strategy=strategy)

    first = threading.Thread(target=run, args=(client(), lambda held: False))
    first.start()
    send(producer, "t", [f"a{i}" for i in range(50)])
    wait(50)
    # The second member leaves as soon as it holds its half.
    second = threading.Thread(target=run, args=(client(), lambda held: len(held) == 2))
    second.start()
    second.join(PATIENCE)
    assert not second.is_alive(), "the second member never got its half"
    send(producer, "t", [f"b{i}" for i in range(50)])
    wait(100)
    stop.set()
    first.join(PATIENCE)
    assert not problems, problems


def group():
    for strategy in ["range"]:
        members(strategy)


def cooperative():
    members("cooperative-sticky")


def offsets():
    make("t", 1)
    send(Producer(settings()), "t", [f"v{i}" for i in range(10)])
    c = consumer("g", enable_auto_commit=False)
    part = TopicPartition("t", 0)
    assert c.committed([part], PATIENCE)[0].offset == OFFSET_INVALID
    c.assign([TopicPartition("t", 0, OFFSET_BEGINNING)])
    receive(c, 10)
    c.commit(offsets=[TopicPartition("t", 0, 4)], asynchronous=False)
    assert c.committed([part], PATIENCE)[0].offset == 4
    assert c.get_watermark_offsets(part, PATIENCE) == (0, 10)
    assert c.offsets_for_times([TopicPartition("t", 0, 1)], PATIENCE)[0].offset == 0
    c.close()
    c = consumer("g")
    c.subscribe(["t"])
    assert receive(c, 1) == ["v4"]
    c.close()


def transactional(name):
    producer = Producer(settings(transactional_id=name))
    producer.init_transactions(PATIENCE)
    return producer


def transactions():
    make("t", 2)
    producer = transactional("tx")
    for round, commit in enumerate([True, False, True]):
        producer.begin_transaction()
        for i in range(10):
            producer.produce("t", f"{round}-{i}")
        producer.flush(PATIENCE)  # what is not sent is dropped by an abort
        (producer.commit_transaction if commit else producer.abort_transaction)(PATIENCE)
    want = [f"{r}-{i}" for r in (0, 2) for i in range(10)]
    c = consumer("g", isolation_level="read_committed")
    c.subscribe(["t"])
    assert sorted(receive(c, 20)) == sorted(want)
    c.close()
    c = consumer("h", isolation_level="read_uncommitted")
    c.subscribe(["t"])
    receive(c, 30)
    c.close()


def fenced():
    make("t", 1)
    first = transactional("tx")
    first.begin_transaction()
    first.produce("t", "lost")
    first.flush(PATIENCE)
    second = transactional("tx")
    second.begin_transaction()
    second.produce("t", "kept")
    second.commit_transaction(PATIENCE)
    try:
        first.commit_transaction(PATIENCE)
        raise AssertionError("the first producer could commit")
    except KafkaException as e:
        assert e.args[0].fatal(), e
        assert e.args[0].code() in (KafkaError._FENCED, KafkaError.INVALID_PRODUCER_EPOCH), e
    c = consumer("g", isolation_level="read_committed")
    c.subscribe(["t"])
    assert receive(c, 1) == ["kept"]
    c.close()


def copy():
    """Reads in a group, and writes with the offsets in one transaction."""
    make("in", 2)
    make("out", 2)
    values = [f"v{i}" for i in range(40)]
    send(Producer(settings()), "in", values)
    c = consumer("copiers", enable_auto_commit=False, isolation_level="read_committed")
    c.subscribe(["in"])
    producer = transactional("copier")
    for _ in range(4):
        got = receive(c, 10)
        producer.begin_transaction()
        for v in got:
            producer.produce("out", v)
        producer.send_offsets_to_transaction(c.position(c.assignment()), c.consumer_group_metadata(), PATIENCE)
        producer.commit_transaction(PATIENCE)
    committed = c.committed(c.assignment(), PATIENCE)
    assert sum(p.offset for p in committed) == 40, committed
    c.close()
    reader = consumer("readers", isolation_level="read_committed")
    reader.subscribe(["out"])
    assert sorted(receive(reader, 40)) == sorted(values)
    reader.close()


def admin():
    a = make("t", 2)
    try:
        make("t", 2)
        raise AssertionError("the topic was made twice")
    except KafkaException as e:
        assert e.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS, e
    for future in a.create_partitions([NewPartitions("t", 5)]).values():
        future.result(PATIENCE)
    seen = a.list_topics(timeout=PATIENCE)
    assert len(seen.topics["t"].partitions) == 5, seen.topics["t"].partitions
    assert sorted(seen.brokers) == [0, 1, 2], seen.brokers
    resource = ConfigResource("topic", "t")
    for future in a.alter_configs([ConfigResource("topic", "t", set_config={"retention.ms": "12345"})]).values():
        future.result(PATIENCE)
    configs = list(a.describe_configs([resource]).values())[0].result(PATIENCE)
    assert configs["retention.ms"].value == "12345", configs["retention.ms"]
    broker = list(a.describe_configs([ConfigResource("broker", "0")]).values())[0].result(PATIENCE)
    assert len(broker) > 50, len(broker)
    c = consumer("g")
    c.subscribe(["t"])
    send(Producer(settings()), "t", ["v"])
    receive(c, 1)
    groups = {g.id: g for g in a.list_groups(timeout=PATIENCE)}
    assert groups["g"].state == "Stable" and len(groups["g"].members) == 1, groups
    c.close()
    for future in a.delete_topics(["t"]).values():
        future.result(PATIENCE)


def statistics():
    """Statistics say which versions and sizes the client saw."""
    seen = []
    conf = settings(statistics_interval_ms=50)
    producer = Producer({**conf, "stats_cb": lambda s: seen.append(json.loads(s))})
    send(producer, "t", ["v"] * 10)
    deadline = time.monotonic() + PATIENCE
    while not any(s["txmsgs"] >= 10 for s in seen):
        assert time.monotonic() < deadline, "no statistics"
        producer.poll(0.1)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
