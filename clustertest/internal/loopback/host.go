// A host: a name, its address, and what befalls it.

package loopback

import (
	"crypto/rand"
	"net/netip"
	"strconv"
	"sync/atomic"

	"github.com/rehearse-go/rehearse/journal"
)

// A Host is a machine on the network, for programs of this process. Listen,
// ListenPacket and Dial have the shape of package net's.
type Host struct {
	party
	net   *Network
	index int          // in the order of adding, from 1
	rate  atomic.Int64 // bytes a second each connection reads; 0 for as many as come

	// Guarded by net.mu.
	kills, crashes, pauses int
	rates                  []*int
	sockets                []*socket // in the order they were opened
	ports                  uint16    // ephemeral ports given so far
	forwards               map[string]*forward
	reserved               map[int]*reserved
}

func newHost(n *Network, name string, k int) *Host {
	h := &Host{net: n, index: k, forwards: map[string]*forward{}, reserved: map[int]*reserved{}}
	h.party = party{
		name: name, ip4: netip.AddrFrom4([4]byte{10, byte(k >> 16), byte(k >> 8), byte(k)}),
		// A stranger on the machine must not guess it; no outcome depends on it.
		key:  rand.Text(),
		gate: addrPort(n.gate.Addr()), hub: n.hub.addr, desk: (*counter)(h),
	}
	return h
}

// String returns the host's name.
func (h *Host) String() string { return h.name }

// Close does nothing: a host of this process is there as long as its network.
func (h *Host) Close() error { return nil }

// Gateway returns the text by which another process joins the network as this
// host, see Join. Who knows it can do what the host can.
func (h *Host) Gateway() (string, error) { return h.name + "/" + h.key + "/" + h.gate.String(), nil }

// down tells that nothing can be opened on h; net.mu is held.
func (h *Host) down() bool { return h.kills+h.crashes > 0 }

// Ephemeral ports are given in turn from Linux's range.
const (
	firstPort = 32768
	portCount = 60999 - firstPort + 1
)

// nextPort returns an ephemeral port; net.mu is held.
func (h *Host) nextPort() uint16 {
	p := firstPort + h.ports%portCount
	h.ports = (h.ports + 1) % portCount
	return p
}

// counter is the desk at which programs of this process register.
type counter Host

func (c *counter) open(m message, near shutter) message {
	h := (*Host)(c)
	s := &socket{host: h, near: near}
	return h.net.answer(s, m)
}

func (c *counter) close(id int) { (*Host)(c).closeSocket(id) }

func (c *counter) took(name, peer string) { (*Host)(c).took(name, peer) }

// answer opens what m asks for and says what came of it.
func (n *Network) answer(s *socket, m message) message {
	open := n.openSocket
	if m.Op == opDial {
		open = n.openPacket
	}
	fail := open(s, m)
	if fail == nil && s.proto == "udp" {
		n.hub.know(s)
	}
	return message{Op: opAnswer, Seq: m.Seq, Failure: fail, Local: s.addr, Remote: s.remote, Socket: s.id}
}

// closeSocket closes the socket of that number, if it is there.
func (h *Host) closeSocket(id int) {
	h.net.mu.Lock()
	var found *socket
	for _, s := range h.sockets {
		if s.id == id {
			found = s
		}
	}
	h.net.mu.Unlock()
	if found != nil {
		h.net.closeSocket(found)
	}
}

// took records that a program has accepted a connection.
func (h *Host) took(name, peer string) {
	h.net.append(journal.Event{Kind: "net.accept", Where: h.name, Peer: peer, Subject: name})
}

// connName returns "app>api:80#0": who dialled whom, and the how-manieth it is.
func connName(from, to *Host, port uint16, num int) string {
	return from.name + ">" + to.name + ":" + strconv.Itoa(int(port)) + "#" + strconv.Itoa(num)
}
