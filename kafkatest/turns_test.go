// Brokers that are ended and started by several goroutines at once.

package kafkatest_test

import (
	"sync"
	"testing"
	"testing/synctest"

	"github.com/rehearse-go/rehearse/kafkatest"
)

// wantNoListeners fails the test if a listener is open.
func (m *memory) wantNoListeners(t *testing.T) {
	t.Helper()
	for i, l := range m.listeners {
		select {
		case <-l.closed:
		default:
			t.Errorf("listener %d of %d is open", i, len(m.listeners))
		}
	}
}

func TestBrokersMayBeEndedAndStartedByAnybody(t *testing.T) {
	for round := range 20 {
		synctest.Test(t, func(t *testing.T) { // which fails if a goroutine is left at its end
			m := new(memory)
			c, err := kafkatest.New(kafkatest.Config{Listen: m.listen, Brokers: 2})
			if err != nil {
				t.Fatal(err)
			}
			var running sync.WaitGroup
			for i := range 6 {
				running.Go(func() {
					b := c.Broker(int32(i % 2))
					switch i / 2 {
					case 0:
						b.Kill()
					case 1:
						_, _ = c.AddBroker("") // of two that come at once one is refused
					}
					_ = b.Restart() // which fails once the cluster is closed
				})
			}
			if round%2 == 0 {
				running.Wait()
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			running.Wait()
			m.wantNoListeners(t)
		})
	}
}

func TestABrokerThatWasRemovedStaysSo(t *testing.T) {
	m := new(memory)
	c := kafkatest.Start(t, kafkatest.Config{Listen: m.listen, Brokers: 2})
	b := c.Broker(1)
	b.Remove()
	if err := b.Restart(); err == nil {
		t.Error("it started")
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	m.wantNoListeners(t)
}
