// The cases of grpc-go's interop suite, recorded, and replayed with the server stopped.

package grpc_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestInteropCasesRecordedAndReplayed(t *testing.T) {
	for _, via := range []entry{byOptions, byConn, byProxy} {
		for _, c := range testCases {
			t.Run(string(via)+"/"+c.name, func(t *testing.T) {
				file := filepath.Join(t.TempDir(), "case.journal")
				addr, stop := serve(t)
				runVia(t, c, via, grpcreplay.Config{File: file, Mode: grpcreplay.ModeAll, Target: addr})
				stop()
				runVia(t, c, via, grpcreplay.Config{File: file, Mode: grpcreplay.ModeNone, Target: addr})
				if text, err := os.ReadFile(file); t.Failed() && len(text) < 10_000 {
					t.Logf("the recording, %v:\n%s", err, text)
				}
			})
		}
	}
}

// serve runs grpc-go's server for its interop suite.
func serve(t *testing.T) (addr string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	server := grpc.NewServer()
	testgrpc.RegisterTestServiceServer(server, interop.NewTestServer())
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		server.Stop()
		must(t, <-served)
	}
	t.Cleanup(stop)
	return l.Addr().String(), stop
}

// runVia runs a case in a process of its own, by an entry. A proxy is run
// here, and what it says at the end fails the test.
func runVia(t *testing.T, c testCase, via entry, config grpcreplay.Config) {
	t.Helper()
	addr := config.Target
	if via == byProxy {
		config.Listen, config.AllowUnused = new(net.ListenConfig).Listen, fleeting[c.name]
		s, err := grpcreplay.New(config)
		must(t, err)
		defer func() {
			if err := s.Close(); err != nil {
				t.Errorf("%s: the recording: %v", config.Mode, err)
			}
		}()
		addr = s.Addr()
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-case="+c.name, "-via="+string(via),
		"-mode="+string(config.Mode), "-file="+config.File, "-addr="+addr)
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0") // else each case takes a second, if races are looked for
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", config.Mode, err, out)
	}
}
