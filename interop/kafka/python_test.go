// Clients in Python: confluent-kafka, which is librdkafka, and kafka-python.

package kafka_test

import "testing"

func TestConfluentKafkaForPython(t *testing.T) {
	p := program{path: python(t, "confluent_kafka"), args: []string{"python/confluent.py"}}
	everyScenario(t, p, "produce", "codecs", "group", "cooperative", "offsets", "transactions", "fenced", "copy",
		"admin", "statistics")
}

func TestKafkaPython(t *testing.T) {
	p := program{path: python(t, "kafka"), args: []string{"python/kafka_python.py"}}
	everyScenario(t, p, "produce", "codecs", "group", "offsets", "times", "admin", "acls", "versions")
}
