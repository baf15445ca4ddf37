// A stopped broker's port is its own.

//go:build unix

package kafkatest_test

import (
	"errors"
	"net"
	"syscall"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest"
)

func TestAStoppedBrokersPortRefusesAndIsNotGivenAway(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Config{Brokers: 2})
	b := c.Broker(1)
	b.Stop()
	if _, err := net.Dial("tcp", b.Addr()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a stopped broker answers a dial with %v", err)
	}
	from, err := net.ResolveTCPAddr("tcp", b.Addr())
	if err != nil {
		t.Fatal(err)
	}
	dialer := net.Dialer{LocalAddr: from} // as one to whom the system gave this port
	if _, err := dialer.Dial("tcp", c.Broker(0).Addr()); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("dialling from a stopped broker's port: %v", err)
	}
	if err := b.Restart(); err != nil {
		t.Fatal(err)
	}
	nc, err := net.Dial("tcp", b.Addr())
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
}

func TestPortsThatAreKeptAreLetGoAtTheEnd(t *testing.T) {
	c, err := kafkatest.New(kafkatest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	address := c.Addr()
	c.Broker(0).Stop()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}
