// Tests of services and recordings behind sockets of this machine, and of their compression.

package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/interop/grpc_testing"
)

func TestBothSidesMayBeSockets(t *testing.T) {
	dir, err := os.MkdirTemp("", "rehearse") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	grpc_testing.RegisterTestServiceServer(s, echo{})
	go s.Serve(l)
	t.Cleanup(s.Stop)
	file, mine := filepath.Join(dir, "echo.journal"), "unix:"+filepath.Join(dir, "r")
	for _, to := range []string{"unix:" + l.Addr().String(), "unix://" + l.Addr().String()} {
		r := record(t, to, file, "--listen", mine)
		if got := r.property("address"); got != mine {
			t.Errorf("it is reached at %s, not %s", got, mine)
		}
		if got := ask(t, dialGRPC(t, mine, nil), "one"); got != "one" {
			t.Errorf("%s answers %s", to, got)
		}
		r.end()
		if strings.Contains(r.said.String(), "does not answer yet") {
			t.Errorf("it says %s", r.said.String())
		}
	}
	r := replay(t, file, "--listen", mine)
	if got := ask(t, dialGRPC(t, mine, nil), "one"); got != "one" {
		t.Errorf("it is replayed as %s", got)
	}
	r.endWith(exitDone)
}

func TestASocketThatSomebodyLeftBehindIsTakenOver(t *testing.T) {
	dir, err := os.MkdirTemp("", "rehearse")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path, file := filepath.Join(dir, "s"), recorded(t, "one")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	refused(t, "--listen unix:"+path+" is taken", "replay", file, "--listen", "unix:"+path)
	l.(*net.UnixListener).SetUnlinkOnClose(false) // as if it were killed
	l.Close()
	r := replay(t, file, "--listen", "unix:"+path)
	if got := ask(t, dialGRPC(t, "unix:"+path, nil), "one"); got != "one" {
		t.Errorf("it answers %s", got)
	}
	r.endWith(exitDone)
	plain := write(t, dir, "plain", "mine")
	refused(t, "--listen unix:"+plain+" is taken", "replay", file, "--listen", "unix:"+plain)
}

func TestTargetsAreFoundByTheirNames(t *testing.T) {
	for _, c := range [][3]string{
		{"unix:a/b.sock", "unix", "a/b.sock"},
		{"unix:/run/pay.sock", "unix", "/run/pay.sock"},
		{"unix:///run/pay.sock", "unix", "/run/pay.sock"},
		{"unix-abstract:pay", "unix", "@pay"},
		{"localhost:50051", "tcp", "localhost:50051"},
	} {
		if network, address := place(c[0]); network != c[1] || address != c[2] {
			t.Errorf("%s is at %s %s, not at %s %s", c[0], network, address, c[1], c[2])
		}
	}
}

func TestProgramsMayCompressByDeflate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "echo.journal")
	r := record(t, serveEcho(t, echo{}), file)
	deflated := func(address string) *grpc.ClientConn {
		cc, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithDefaultCallOptions(grpc.UseCompressor("deflate")))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cc.Close() })
		return cc
	}
	text := strings.Repeat("one", 100)
	if got := ask(t, deflated(r.property("address")), text); got != text {
		t.Errorf("it is answered with %s", got)
	}
	r.end()
	r = replay(t, file)
	if got := ask(t, deflated(r.property("address")), text); got != text {
		t.Errorf("it is replayed as %s", got)
	}
	r.endWith(exitDone)
}
