// Ports that are kept for a broker while it is stopped.

//go:build unix

package kafkatest

import (
	"net/netip"
	"syscall"
)

// reserve keeps a port from being given to anybody else, until release is
// called, with a socket that is bound and does not listen: whoever dials it is
// refused. Without it a broker that was stopped may find its port taken, since
// the system hands out free ports to all that dial.
func reserve(address string) (release func()) {
	nothing := func() {}
	addr, err := netip.ParseAddrPort(address)
	if err != nil {
		return nothing
	}
	family, sockaddr := syscall.AF_INET6, syscall.Sockaddr(&syscall.SockaddrInet6{
		Port: int(addr.Port()), Addr: addr.Addr().As16(),
	})
	if addr.Addr().Is4() {
		family, sockaddr = syscall.AF_INET, &syscall.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}
	}
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nothing
	}
	err = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	if err == nil {
		err = syscall.Bind(fd, sockaddr)
	}
	if err != nil {
		_ = syscall.Close(fd)
		return nothing
	}
	return func() { _ = syscall.Close(fd) }
}
