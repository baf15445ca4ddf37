// What is too large, what is hostile, and what is left when all is closed.

package grpcreplay_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/test/bufconn"

	"github.com/rehearse-go/rehearse/grpcreplay"
	"github.com/rehearse-go/rehearse/vnettest"
)

func TestAMessageOrFileBeyondTheLimitIsAnError(t *testing.T) {
	for _, c := range []struct {
		limits grpcreplay.Limits
		want   string
	}{
		{grpcreplay.Limits{Message: 100}, "more than 100: set Config.Limits.Message"},
		{grpcreplay.Limits{File: 20_000}, "beyond 20000 bytes: set Config.Limits.File"},
	} {
		file := filepath.Join(t.TempDir(), "recording.journal")
		s := must(t, must2(grpcreplay.New(grpcreplay.Config{
			File: file, Mode: grpcreplay.ModeAll, Limits: c.limits})), nil)
		client := dial(t, open(t), s.DialOptions()...)
		client.UnaryCall(t.Context(), put("small"))
		m, err := client.UnaryCall(t.Context(), put(strings.Repeat("large", 10_000)))
		must(t, m, err) // the program goes on
		if err := s.Close(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("with %+v Close says %v", c.limits, err)
		}
		parts, _ := filepath.Glob(file + ".*.part")
		if len(parts) != 1 {
			t.Fatalf("what was recorded is in %q", parts)
		}
		if r := must(t, must2(grpcreplay.Open(parts[0])), nil); r.Len() == 0 {
			t.Errorf("with %+v nothing of it can be read: %q", c.limits, read(t, parts[0]))
		}
	}
}

func TestAFileBeyondTheLimitIsNotRead(t *testing.T) {
	for _, format := range []grpcreplay.Format{grpcreplay.Text, grpcreplay.Binary, grpcreplay.CompressedBinary} {
		b := sample(t, format)
		var fault *grpcreplay.FormatError
		for _, limits := range []grpcreplay.Limits{{File: 50}, {Message: 2}} {
			if _, err := (grpcreplay.Config{Limits: limits}).Read(bytes.NewReader(b)); !errors.As(err, &fault) {
				t.Errorf("%s is read in spite of %+v: %v", format, limits, err)
			}
		}
	}
}

func FuzzOpen(f *testing.F) {
	for _, format := range []grpcreplay.Format{
		grpcreplay.Text, grpcreplay.Binary, grpcreplay.CompressedBinary, grpcreplay.RPCReplay,
	} {
		f.Add(sample(f, format))
	}
	foreign := must(f, must2(filepath.Glob("internal/foreign/testdata/*")), nil)
	for _, file := range foreign {
		if filepath.Ext(file) != "" {
			f.Add(read(f, file))
		}
	}
	f.Add([]byte("rehearse grpc recording 1\n\ncall 1  a/B\n  → bytes \"\"\n  ← OK\n"))
	f.Add([]byte("rehearse grpc recording 1\n\nredact defau\x10 1\n\ncall 1  a/B\n  → bytes \"\"\n  ← OK\n"))
	f.Add([]byte("RPCReplay\xff\xff\xff\x7f"))
	f.Add([]byte("RPCReTxt1\n\"\"\n-1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		limits := grpcreplay.Limits{Message: 1 << 20, File: 1 << 22}
		r, err := grpcreplay.Config{Limits: limits}.Read(bytes.NewReader(b))
		if err != nil {
			return
		}
		var text bytes.Buffer
		if err := r.Write(&text, grpcreplay.Text); err != nil {
			return
		}
		for range r.Events() {
		}
		r.Secrets()
		again, err := grpcreplay.Read(bytes.NewReader(text.Bytes()))
		if err != nil || again.Len() != r.Len() {
			t.Errorf("its own text is not read again: %v\n%s", err, text.Bytes())
		}
		p, err := grpcreplay.NewReplayer(again, grpcreplay.Config{AllowUnused: true})
		if err != nil {
			return // it tells of rules that this version does not know
		}
		p.Unused()
		p.Close()
	})
}

// listenInMemory is a dialer and a listener without a socket.
func listenInMemory(t *testing.T) (*bufconn.Listener, grpcreplay.DialFunc) {
	l := bufconn.Listen(1 << 16)
	serveAt(t, l)
	return l, func(ctx context.Context, _, _ string) (net.Conn, error) { return l.DialContext(ctx) }
}

func TestNoGoroutineIsLeftAfterClose(t *testing.T) {
	// A bubble ends only when every goroutine in it has.
	file := filepath.Join(t.TempDir(), "recording.journal")
	for _, mode := range []grpcreplay.Mode{
		grpcreplay.ModeAll, grpcreplay.ModeNone, grpcreplay.ModeNew, grpcreplay.ModeVerify, grpcreplay.ModeSpy,
	} {
		t.Run(string(mode), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := grpcreplay.Config{File: file, Mode: mode, AllowUnused: true, Target: "memory"}
				_, c.Dial = listenInMemory(t)
				s := must(t, must2(grpcreplay.New(c)), nil)
				client := grpc_testing.NewTestServiceClient(s.Conn())
				client.UnaryCall(t.Context(), put("a"))
				echoed(t, client, "1")
				stream, err := client.FullDuplexCall(t.Context()) // left open
				stream = must(t, stream, err)
				stream.Send(ask("1"))
				stream.Recv()
				s.Close()
			})
		})
	}
}

func TestInterceptorsLeaveNoGoroutineBehindAStreamThatIsOver(t *testing.T) {
	file := record(t, standard)
	synctest.Test(t, func(t *testing.T) {
		s := grpcreplay.Start(t, grpcreplay.Config{File: file, Mode: grpcreplay.ModeNone})
		cc, err := grpc.NewClient(nobody, s.DialOptions()...)
		must(t, cc, err)
		standard(t, grpc_testing.NewTestServiceClient(cc))
		cc.Close()
	})
}

func TestAServiceIsRecordedAndReplayedOnAVirtualNetwork(t *testing.T) {
	file := filepath.Join(t.TempDir(), "recording.journal")
	for _, mode := range []grpcreplay.Mode{grpcreplay.ModeAll, grpcreplay.ModeNone} {
		vnettest.Run(t, vnettest.Config{}, func(vt *vnettest.T) {
			server, proxy, app := vt.Host("server"), vt.Host("proxy"), vt.Host("app")
			if mode == grpcreplay.ModeAll {
				l := must(vt.T, must2(server.Listen(vt.Context(), "tcp", ":50051")), nil)
				serveAt(vt.T, l)
			}
			s := must(vt.T, must2(grpcreplay.New(grpcreplay.Config{
				File: file, Mode: mode, Target: "server:50051", Dial: proxy.Dial,
				Listen: proxy.Listen, ListenAddress: ":80",
			})), nil)
			cc := connect(vt.T, "passthrough:///proxy:80", grpc.WithContextDialer(
				func(ctx context.Context, address string) (net.Conn, error) { return app.Dial(ctx, "tcp", address) }))
			begin := time.Now()
			heard := echoed(vt.T, grpc_testing.NewTestServiceClient(cc), "over", "the", "net")
			if len(heard) != 5 || heard[2] != `payload:{body:"echo net"}` {
				vt.Errorf("in mode %s it hears %q after %v", mode, heard, time.Since(begin))
			}
			cc.Close()
			if err := s.Close(); err != nil {
				vt.Error(err)
			}
		})
	}
}
