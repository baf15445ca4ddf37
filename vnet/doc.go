// What the package is, what it models, and what it does not.

// Package vnet is a whole network in memory: named hosts, stream connections
// that behave like TCP's, packet connections that behave like UDP's, links
// with delay and loss, faults, and a test that may hold everything that
// travels and let it go piece by piece.
//
// Programs run on it unchanged. A [Host] has Listen, ListenPacket and Dial in
// the shape of package net's, which is what http.Transport.DialContext,
// grpc.WithContextDialer and their like take.
//
// # Free and held
//
// A network runs freely until [Network.Hold]: what is written arrives at once,
// or after its link's delay. On a held network everything waits (connects,
// data, ends, resets, datagrams) until the test delivers it with Step, Flush,
// Deliver and their kin, or loses it. Holding needs Config.Settle, which
// waits until every goroutine rests; package vnettest provides it.
//
// Held, a segment is what one direction wrote between two rests, however many
// Writes that were, and segments are ordered by name and never by arrival.
// This makes runs of real programs repeat.
//
// # Chance and time
//
// Every chance is a function of the seed, the link or connection, and a count;
// no generator is shared. In a bubble every delayed delivery falls on an
// instant of its own, so that the order of a run does not depend on which of
// two timers fires first.
//
// # What a journal says
//
//	net.listen net.unlisten    a listener or packet socket opened, closed
//	net.dial                   a connect left; net.connect or net.refused answers it
//	net.accept                 a program took a connection
//	net.send net.fin net.rst   a segment, the end of a direction, a reset left
//	net.deliver                one of them arrived; its cause is the sending
//	net.packet net.drop        a datagram left; it was lost, and why
//	net.inject                 a test put bytes into an end
//	net.reset net.timeout      the test reset a connection; a sender gave up
//	net.close                  the network was closed; nothing follows
//	fault.KIND fault.end       a fault began (see [Fault]), and ended
//	fault.rule                 a rule decided; fault.loss and others: a link did
//
// Where is the host it happened on, Peer the other one, Subject the
// connection, "app>api:80#0": who dialled whom, and the how-manieth.
//
// # What is not modelled
//
// Congestion control, selective acknowledgement, Nagle's algorithm, urgent
// data, IP options, fragments and kernel socket options: the options' methods
// are there and change nothing. Acknowledgements are not sent: a link that is
// cut one way stops that way's bytes, and dials, which need both. Nothing is
// a *net.TCPConn or *net.UDPConn; programs that insist on those types cannot
// run here. Vectored writes (net.Buffers) become one Write each, since package
// net keeps that door to itself.
package vnet
