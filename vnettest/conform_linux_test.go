// An address on loopback that never answers a dial, as only a full backlog can be one.

package vnettest_test

import (
	"context"
	"fmt"
	"net"
	"syscall"
	"testing"

	"github.com/rehearse-go/rehearse/vnettest"
)

// TestDialsThatNobodyAnswersConform runs TestDial with an address where the kernel drops whoever
// asks: a listener with no room in its backlog but for the one connection that is in it.
func TestDialsThatNobodyAnswersConform(t *testing.T) {
	tr := loopback()
	tr.Run = func(t *testing.T, body func(*testing.T, vnettest.Transport)) {
		tr := tr
		tr.Silent = fullBacklog(t)
		body(t, tr)
	}
	vnettest.TestDial(t, tr)
}

// fullBacklog listens on loopback without room and returns the address, held until the test is over.
func fullBacklog(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	var d net.Dialer
	c, err := d.DialContext(context.Background(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return address
}
