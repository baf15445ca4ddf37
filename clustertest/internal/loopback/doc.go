// What the package is, what a relay can do, and what it cannot.

// Package loopback is a network of named hosts on real sockets: every
// connection between two of them is two real connections on 127.0.0.1 with a
// relay between, so that links can be cut, slowed and reset as those of
// package vnet, while the programs have the kernel's sockets, and may be
// processes of their own.
//
//	net, err := loopback.New(loopback.Config{})
//	if err != nil {
//		return err
//	}
//	defer net.Close()
//	l, err := net.Host("api").Listen(ctx, "tcp", "api:80")
//	...
//	c, err := net.Host("app").Dial(ctx, "tcp", "api:80")
//	...
//	heal, err := net.Fault(vnet.Fault{Kind: "cut", A: "app", B: "api"})
//
// Hosts have the names and addresses that vnet gives them, 10.0.0.1 and so on,
// in the order they were added; there is no IPv6. Programs see these addresses
// everywhere, and errors are those of package net.
//
// # Who can be on the network
//
// Programs of this process use a [Host]. Go programs in other processes [Join]
// the network by a text that [Host.Gateway] returns, and use a [Remote], which
// does the same. Programs that know nothing of this package are reached by
// [Host.Reserve] or [Host.Bind], reach others by [Host.Forward], and see real
// addresses.
//
// # Faults
//
// They are those of package vnet, and the journal tells the same events, with
// sizes and without payload. What differs, since relays hold real sockets:
//
//   - a sender whose bytes could not go on for Config.GiveUp is reset, where
//     vnet times it out;
//   - a paused host's bytes stop both ways; dials from and to it wait;
//   - programs on a host that went down or crashed see their own connections
//     reset and their listeners closed;
//   - full is not possible, since backlogs are the kernel's, and its error
//     wraps errors.ErrUnsupported;
//   - a link that loses everything holds a stream's bytes until it does not,
//     since they would be sent again;
//   - that a program of another process accepted a connection is recorded when
//     it is told, which may be a little late, and never of a foreign program;
//   - duplicate, reorder, corrupt and queue touch datagrams alone, as there;
//   - bytes that are in a kernel's buffer have arrived: no fault takes them
//     back.
//
// A direction holds what fits into the buffers on its way, some hundred
// kilobytes, before its writer waits. A connection within this process takes
// four file descriptors.
//
// # Whom it trusts
//
// Other programs on the machine can reach 127.0.0.1. The gateway closes
// whoever does not tell a host's token at once, and so do listeners; what they
// read is bounded, and so is how long they wait for it.
package loopback
