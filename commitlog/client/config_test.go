// What a Config may say, and what is said of one that may not.

package client_test

import (
	"crypto/tls"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rehearse-go/rehearse/commitlog/client"
)

func TestAConfigThatCannotBeMeantIsRefused(t *testing.T) {
	for _, row := range []struct {
		conf client.Config
		says string // "" if it is right
	}{
		{client.Config{}, "Addrs is empty"},
		{client.Config{Addrs: []string{"127.0.0.1:8400", "n1"}}, `Addrs[1]: "n1" is not an address`},
		{client.Config{Addrs: []string{":8400"}}, `":8400" is not an address`},
		{client.Config{Addrs: []string{"10.0.0.1:8400"}}, "beyond loopback and Config.TLS is nil"},
		{client.Config{Addrs: []string{"localhost.example.com:8400"}}, "beyond loopback"},
		{client.Config{Addrs: []string{"localhost:1"}, Read: 9}, "Config.Read is 9"},
		{client.Config{Addrs: []string{"localhost:1"}, MaxInFlight: -1}, "negative"},
		{client.Config{Addrs: []string{"localhost:1"}, Retry: client.Retry{Max: -time.Second}}, "negative"},
		{client.Config{Addrs: []string{"localhost:1", "127.3.2.1:2", "[::1]:3", "[::ffff:127.0.0.1]:4"}}, ""},
		{client.Config{Addrs: []string{"10.0.0.1:8400"}, Plaintext: true}, ""},
		{client.Config{Addrs: []string{"10.0.0.1:8400"}, TLS: &tls.Config{}}, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			row.conf.Dial = newCluster(t).dial // where nobody is
			c, err := client.New(row.conf)
			switch {
			case err != nil && (row.says == "" || !strings.Contains(err.Error(), row.says)):
				t.Errorf("%v: %v", row.conf.Addrs, err)
			case err == nil && row.says != "":
				t.Errorf("%v was taken; it should say %q", row.conf.Addrs, row.says)
			}
			if err == nil {
				_ = c.Close()
			}
		})
	}
}

func TestPlainConnectionsStayOnLoopbackWhateverNodesTell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.add("n1").addr = "127.0.0.1:8400"
		c.node("n1").start()
		c.add("n2").start() // at an address beyond loopback
		c.elect("n1")
		cl, err := client.New(client.Config{Addrs: []string{"127.0.0.1:8400"}, Dial: c.dial})
		if err != nil {
			t.Fatal(err)
		}
		defer cl.Close()
		produce(t, cl, "a")
		read(t, cl, 0, client.Options{})
		synctest.Wait()
		if n := len(c.node("n2").conns); n != 0 {
			t.Errorf("%d plain connections to n2", n)
		}
	})
}

func TestProducersGetDifferentIDs(t *testing.T) {
	seen := map[uint64]bool{0: true}
	for range 1000 {
		id := client.RandomProducer()
		if seen[id] {
			t.Fatalf("%d twice", id)
		}
		seen[id] = true
	}
}
