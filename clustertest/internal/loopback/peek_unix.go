// Refusals found by a write, where a socket can be looked into.

//go:build unix

package loopback

import "syscall"

// peek takes a refusal that is the next thing to be read, so that a write can
// tell it, as the kernel's would.
func (p *packetConn) peek() {
	raw, err := p.real.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) {
		var b [gramHeader]byte
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		if err != nil {
			return
		}
		if _, _, ok := p.take(b[:n]); !ok {
			syscall.Recvfrom(int(fd), b[:], syscall.MSG_DONTWAIT)
		}
	})
}
