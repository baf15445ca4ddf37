// The conformance suite of Watermill's subscribers and publishers, which speak by sarama.

//go:build suites

package kafka_test

import (
	"strings"
	"testing"

	_ "github.com/ThreeDotsLabs/watermill-kafka/v3/pkg/kafka" // its tests are what is run
	"github.com/rehearse-go/rehearse/kafkatest"
)

func TestWatermillsOwnSuite(t *testing.T) {
	c := start(t, kafkatest.Config{Brokers: 3})
	runSuite(t, suite{
		pkg: "github.com/ThreeDotsLabs/watermill-kafka/v3/pkg/kafka",
		env: []string{"WATERMILL_TEST_KAFKA_BROKERS=" + strings.Join(c.Addrs(), ",")},
	})
}
