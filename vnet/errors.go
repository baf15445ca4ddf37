// The errors a Go program sees on a real network, made here.

package vnet

import (
	"context"
	"errors"
	"net"
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

// errno wraps a system call's error as package net does.
func errno(call string, e syscall.Errno) error { return os.NewSyscallError(call, e) }

// dialError says why a dial to addr failed; addr may be nil.
func dialError(network string, addr net.Addr, err error) error {
	return &net.OpError{Op: "dial", Net: network, Addr: addr, Err: err}
}

// listenError says why listening on addr failed; addr may be nil.
func listenError(network string, addr net.Addr, err error) error {
	return &net.OpError{Op: "listen", Net: network, Addr: addr, Err: err}
}
