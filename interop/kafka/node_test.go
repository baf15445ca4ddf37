// Clients in JavaScript: kafkajs and @platformatic/kafka.

package kafka_test

import "testing"

func TestKafkaJS(t *testing.T) {
	p := program{path: node(t), args: []string{"node/kafkajs.mjs"}}
	everyScenario(t, p, "produce", "codecs", "group", "offsets", "transactions", "admin", "acls")
}

func TestPlatformaticKafka(t *testing.T) {
	p := program{path: node(t), args: []string{"node/platformatic.mjs"}}
	everyScenario(t, p, "produce", "codecs", "group", "consumer", "offsets", "transactions", "admin")
}
