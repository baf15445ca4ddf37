// Sockets of this machine, by the names that gRPC has for them.

package main

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// place returns where a target is dialled or listened at: a socket of this
// machine if it is unix:PATH, unix:///PATH or unix-abstract:NAME, as in gRPC's
// doc/naming.md, else HOST:PORT.
func place(target string) (network, address string) {
	if name, ok := strings.CutPrefix(target, "unix-abstract:"); ok {
		return "unix", "@" + name
	}
	if path, ok := strings.CutPrefix(target, "unix:"); ok {
		return "unix", strings.TrimPrefix(path, "//")
	}
	return "tcp", target
}

// isSocket tells whether a target is a socket of this machine.
func isSocket(target string) bool {
	network, _ := place(target)
	return network == "unix"
}

// hostOf returns whom a target's certificate must vouch for; gRPC calls what is
// behind a socket of this machine localhost.
func hostOf(target string) string {
	if isSocket(target) {
		return "localhost"
	}
	host, _, _ := net.SplitHostPort(target)
	return host
}

// A socketAddr is a socket's address as a gRPC program is to be told it.
type socketAddr string

func (socketAddr) Network() string  { return "unix" }
func (a socketAddr) String() string { return string(a) }

// wholeSocket returns a socket's name that holds in any directory.
func wholeSocket(target string) socketAddr {
	_, path := place(target)
	if whole, err := filepath.Abs(path); err == nil && !strings.HasPrefix(path, "@") {
		return socketAddr("unix:" + whole)
	}
	return socketAddr(target)
}

// clearSocket removes a socket at which nobody listens any more: whoever was
// killed leaves it behind.
func clearSocket(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&os.ModeSocket == 0 {
		return false
	}
	c, err := net.Dial("unix", path)
	if err == nil {
		c.Close()
		return false
	}
	return errors.Is(err, syscall.ECONNREFUSED) && os.Remove(path) == nil
}
