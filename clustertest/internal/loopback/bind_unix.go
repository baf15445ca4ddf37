// Ports that are kept free for a program.

//go:build linux || darwin

package loopback

import (
	"fmt"
	"syscall"
)

// boundSocket is a socket that has a port and does not listen.
type boundSocket int

func (s boundSocket) Close() error { return syscall.Close(int(s)) }

// bindHere takes a free port of 127.0.0.1 with a socket that does not listen.
// Whoever sets SO_REUSEADDR can listen there beside it.
func bindHere() (address string, release closer, err error) {
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return "", nil, err
	}
	var name syscall.Sockaddr
	if err = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err == nil {
		err = syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	if err == nil {
		name, err = syscall.Getsockname(fd)
	}
	if err != nil {
		syscall.Close(fd)
		return "", nil, err
	}
	return fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port), boundSocket(fd), nil
}
