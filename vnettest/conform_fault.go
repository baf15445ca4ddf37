// What an error must look like to a program: its type, fields, text and what errors.Is finds in it.

package vnettest

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
)

// A cause is why an operation failed: what errors.Is must find, and how the message ends.
type cause struct {
	is      error
	text    string
	syscall bool // a system call failed: its name stands before text
	timeout bool
}

var (
	closed       = cause{is: net.ErrClosed, text: "use of closed network connection"}
	expired      = cause{is: os.ErrDeadlineExceeded, text: "i/o timeout", timeout: true}
	reset        = cause{is: syscall.ECONNRESET, text: "connection reset by peer", syscall: true}
	brokenPipe   = cause{is: syscall.EPIPE, text: "broken pipe", syscall: true}
	notConnected = cause{is: syscall.ENOTCONN, text: "transport endpoint is not connected", syscall: true}
	refused      = cause{is: syscall.ECONNREFUSED, text: "connection refused", syscall: true}
	inUse        = cause{is: syscall.EADDRINUSE, text: "address already in use", syscall: true}
	notOurs      = cause{is: syscall.EADDRNOTAVAIL, text: "cannot assign requested address", syscall: true}
	tooLong      = cause{is: syscall.EMSGSIZE, text: "message too long", syscall: true}
	badArgument  = cause{is: syscall.EINVAL, text: "invalid argument"}
	canceled     = cause{is: context.Canceled, text: "operation was canceled"}
	overdue      = cause{is: context.DeadlineExceeded, text: "i/o timeout", timeout: true}
	preconnected = cause{is: net.ErrWriteToConnected, text: "use of WriteTo with pre-connected connection"}
)

// A fault is an error in full: the operation, where it happened, and why.
type fault struct {
	op, network  string
	source, addr net.Addr
	call         string // the system call, when it is not named as the operation is
	cause        cause
}

// String is the message that the error must have.
func (f fault) String() string {
	s := f.op
	if f.network != "" {
		s += " " + f.network
	}
	if f.source != nil {
		s += " " + f.source.String()
	}
	if f.addr != nil {
		if f.source != nil {
			s += "->"
		} else {
			s += " "
		}
		s += f.addr.String()
	}
	return s + ": " + f.prefix() + f.cause.text
}

// prefix is the system call's name, where there was one.
func (f fault) prefix() string {
	switch {
	case !f.cause.syscall:
		return ""
	case f.call != "":
		return f.call + ": "
	}
	return f.op + ": "
}

// fails fails the trial unless err is just this fault.
func (t *trial) fails(err error, f fault) {
	t.Helper()
	op, ok := err.(*net.OpError)
	if !ok {
		t.Fatalf("got  %v (%T)\nwant %v (*net.OpError)", err, err, f)
	}
	if err.Error() != f.String() {
		t.Errorf("got  %v\nwant %v", err, f)
	}
	if op.Op != f.op || op.Net != f.network {
		t.Errorf("%v: Op %q, Net %q; want %q, %q", err, op.Op, op.Net, f.op, f.network)
	}
	t.sameAddr("Source of "+f.String(), op.Source, f.source)
	t.sameAddr("Addr of "+f.String(), op.Addr, f.addr)
	t.isFor(err, f.cause)
	var call *os.SyscallError
	if errors.As(err, &call) != f.cause.syscall {
		t.Errorf("%v: an *os.SyscallError inside: %v, want %v", err, !f.cause.syscall, f.cause.syscall)
	}
	if call != nil && call.Syscall+": " != f.prefix() {
		t.Errorf("%v: Syscall %q, want %q", err, call.Syscall, f.prefix())
	}
}

// isFor fails the trial unless err says it is of this cause, and says rightly whether time ran out.
func (t *trial) isFor(err error, c cause) {
	t.Helper()
	if !errors.Is(err, c.is) {
		t.Errorf("errors.Is(%v, %v) is false", err, c.is)
	}
	var e net.Error
	if !errors.As(err, &e) || e.Timeout() != c.timeout {
		t.Errorf("%v: no net.Error with Timeout() = %v", err, c.timeout)
	}
	for _, other := range []error{net.ErrClosed, os.ErrDeadlineExceeded} {
		if other != c.is && errors.Is(err, other) {
			t.Errorf("errors.Is(%v, %v) is true", err, other)
		}
	}
}

// sameAddr fails the trial unless two addresses are of one type and text, or both nil.
func (t *trial) sameAddr(what string, got, want net.Addr) {
	t.Helper()
	if got == nil || want == nil {
		if got != want {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
		return
	}
	if got.Network() != want.Network() || got.String() != want.String() {
		t.Errorf("%s: got %s %v, want %s %v", what, got.Network(), got, want.Network(), want)
	}
}
