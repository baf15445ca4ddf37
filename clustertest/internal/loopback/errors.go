// The errors a Go program sees on a real network, made here and carried between processes.

package loopback

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
)

// timeoutError is what package net says when a dial's deadline passes.
type timeoutError struct{}

func (timeoutError) Error() string   { return "i/o timeout" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }
func (timeoutError) Is(err error) bool {
	return err == context.DeadlineExceeded
}

// canceledError is what package net says when a dial's context is cancelled.
type canceledError struct{}

func (canceledError) Error() string     { return "operation was canceled" }
func (canceledError) Is(err error) bool { return err == context.Canceled }

// ctxError turns a context's error into package net's own.
func ctxError(err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return timeoutError{}
	case errors.Is(err, context.Canceled):
		return canceledError{}
	}
	return err
}

// A failure is why something cannot be done, in a form that another process
// can be told. It becomes the error that package net would have returned.
type failure struct {
	Addr  netip.AddrPort `json:",omitzero"`  // what was dialled or listened on, once it was known
	Call  string         `json:",omitempty"` // the system call that failed
	Errno string         `json:",omitempty"` // its error's name
	Kind  string         `json:",omitempty"` // of other errors: "closed", "name", "address"
	Name  string         `json:",omitempty"` // what that is about
	Text  string         `json:",omitempty"` // what it says
}

// errnos are the system's errors that are told, by name: their numbers are not
// the same everywhere.
var errnos = map[string]syscall.Errno{
	"ECONNREFUSED": syscall.ECONNREFUSED, "ETIMEDOUT": syscall.ETIMEDOUT, "EHOSTUNREACH": syscall.EHOSTUNREACH,
	"ENETUNREACH": syscall.ENETUNREACH, "ENETDOWN": syscall.ENETDOWN, "EADDRINUSE": syscall.EADDRINUSE,
	"EADDRNOTAVAIL": syscall.EADDRNOTAVAIL,
}

// fails makes a failure of a system call.
func fails(addr netip.AddrPort, call, errno string) *failure {
	return &failure{Addr: addr, Call: call, Errno: errno}
}

// failureOf makes a failure of an error of addresses or of the network.
func failureOf(addr netip.AddrPort, err error) *failure {
	var dns *net.DNSError
	var bad *net.AddrError
	switch {
	case errors.Is(err, net.ErrClosed):
		return &failure{Addr: addr, Kind: "closed"}
	case errors.As(err, &dns):
		return &failure{Kind: "name", Name: dns.Name, Text: dns.Err}
	case errors.As(err, &bad):
		return &failure{Kind: "address", Name: bad.Addr, Text: bad.Err}
	}
	return &failure{Addr: addr, Text: err.Error()}
}

// cause is the error without operation and address.
func (f *failure) cause() error {
	if e, ok := errnos[f.Errno]; ok {
		return os.NewSyscallError(f.Call, e)
	}
	switch f.Kind {
	case "closed":
		return net.ErrClosed
	case "name":
		return &net.DNSError{Err: f.Text, Name: f.Name, IsNotFound: true}
	case "address":
		return &net.AddrError{Err: f.Text, Addr: f.Name}
	}
	return errors.New(f.Text)
}

// Error returns what the cause says.
func (f *failure) Error() string { return f.cause().Error() }

// opError is the error that the program sees.
func (f *failure) opError(op, network string) error {
	return &net.OpError{Op: op, Net: network, Addr: netAddr(families[network].proto, f.Addr), Err: f.cause()}
}

// opError says that an operation failed before anybody was asked.
func opError(op, network string, err error) error {
	return &net.OpError{Op: op, Net: network, Err: err}
}
