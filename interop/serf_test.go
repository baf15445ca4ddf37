// hashicorp/serf: members find back to each other after a partition, and events reach them all.

package interop_test

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/hashicorp/serf/serf"

	"github.com/rehearse-go/rehearse/vnettest"
)

// serfs starts n members on the hosts n0, n1, ..., which all join n0, and
// returns what each is told.
func serfs(t *vnettest.T, n int) (all []*serf.Serf, told []chan serf.Event) {
	t.Helper()
	for i := range n {
		c := serf.DefaultConfig()
		c.NodeName = fmt.Sprintf("n%d", i)
		c.LogOutput, c.MemberlistConfig.LogOutput = io.Discard, io.Discard
		c.MemberlistConfig.Transport = newGossip(t, c.NodeName)
		events := make(chan serf.Event, 1000)
		c.EventCh = events
		s, err := serf.Create(c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Shutdown() })
		seed := fmt.Sprintf("%v:%d", t.Host("n0").IP4(), gossipPort)
		if _, err := s.Join([]string{seed}, false); err != nil {
			t.Fatal(err)
		}
		all, told = append(all, s), append(told, events)
	}
	return all, told
}

// expectAlive fails unless each of the members knows so many to be alive.
func expectAlive(t *vnettest.T, all []*serf.Serf, want int) {
	t.Helper()
	for i, s := range all {
		alive := 0
		for _, m := range s.Members() {
			if m.Status == serf.StatusAlive {
				alive++
			}
		}
		if alive != want {
			t.Errorf("n%d knows %d alive, want %d", i, alive, want)
		}
	}
}

func TestSerfFindsBackAfterAPartition(t *testing.T) {
	vnettest.Run(t, vnettest.Config{Net: lan}, func(t *vnettest.T) {
		all, told := serfs(t, 5)
		// Whom gossip passes over hears in an exchange, each half a minute.
		time.Sleep(3 * time.Minute) // virtual
		expectAlive(t, all, 5)

		heal := t.Part("n3", "n4")
		time.Sleep(3 * time.Minute) // virtual
		expectAlive(t, all[:3], 3)
		expectAlive(t, all[3:], 2)

		heal()
		time.Sleep(10 * time.Minute) // virtual
		expectAlive(t, all, 5)

		if err := all[4].UserEvent("deploy", []byte("42"), false); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Minute) // virtual
		for i, events := range told {
			if got := deployed(events); got != "42" {
				t.Errorf("n%d was told %q, want 42", i, got)
			}
		}
	})
}

// deployed returns the payload of the deploy event among those that came.
func deployed(events <-chan serf.Event) string {
	for len(events) > 0 {
		if e, ok := (<-events).(serf.UserEvent); ok && e.Name == "deploy" {
			return string(e.Payload)
		}
	}
	return ""
}
