// Places: where brokers listen, and how clients are told to reach them.

package kafkatest

import (
	"cmp"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// A place is where a listener is.
type place struct {
	bound string // the address that is listened on
	host  string // as clients are told; "" for the address by which whoever asks came
	port  int32
}

// bindAddress returns the address to listen on: at first as configured, later
// where that was.
func (b *Broker) bindAddress(i int) string {
	if b.places != nil {
		return b.places[i].bound
	}
	return b.placed(b.cluster.config.Listeners[i].Bind)
}

// placed fills in the broker's id, or, in an address without one, counts the
// port up from that of the first broker.
func (b *Broker) placed(address string) string {
	host, service, err := net.SplitHostPort(address)
	port, notNumber := strconv.Atoi(service)
	if err != nil || notNumber != nil || port == 0 || strings.Contains(address, "{id}") {
		return forBroker(address, b.id)
	}
	return net.JoinHostPort(host, strconv.Itoa(port+b.index))
}

// addr returns where a client on this machine reaches a listener.
func (b *Broker) addr(name string) string {
	host, port, ok := b.advertised(name, "127.0.0.1")
	if !ok {
		panic(fmt.Sprintf("kafkatest: there is no listener %s", name))
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}

// advertised returns how clients of a listener are told to reach the broker;
// reached is the address by which the asking client came.
func (b *Broker) advertised(name, reached string) (host string, port int32, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, p := range b.places {
		if b.cluster.config.Listeners[i].Name == name {
			return cmp.Or(p.host, reached), p.port, true
		}
	}
	return "", 0, false
}

// place makes the place of a listener. One that listens on every address is
// advertised by the name of its host, if it tells one, as vnet's listeners do.
func (b *Broker) place(i int, l net.Listener) place {
	bound := l.Addr().String()
	host, service, _ := net.SplitHostPort(bound)
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = ""
		if named, ok := l.(interface{ HostName() string }); ok {
			host = named.HostName()
		}
	}
	if advertise := b.cluster.config.Listeners[i].Advertise; advertise != "" {
		host, service = b.announced(advertise, service)
	}
	port, _ := strconv.Atoi(service)
	return place{bound, host, int32(port)}
}

// announced takes apart what a listener is to advertise.
func (b *Broker) announced(address, boundPort string) (host, port string) {
	host, port, err := net.SplitHostPort(b.placed(address))
	if err != nil || port == "" || port == "0" {
		if err != nil {
			host = forBroker(address, b.id)
		}
		return strings.Trim(host, "[]"), boundPort
	}
	return host, port
}
