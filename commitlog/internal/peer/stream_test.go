// Streams: whole, failed, cut, and given up.

package peer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rehearse-go/rehearse/commitlog/internal/peer"
)

func TestAStreamArrivesWhole(t *testing.T) {
	everywhere(t, func(t *testing.T, w network) {
		content := make([]byte, 5<<20+17)
		rand.NewChaCha8([32]byte{}).Read(content)
		r := rand.New(rand.NewPCG(1, 2))
		a := start(t, w, 1, nil)
		b := start(t, w, 2, func(c *peer.Config) {
			c.Stream = func(_ context.Context, from peer.Hello, request []byte, w io.Writer) error {
				if from.ID != 1 || string(request) != "all" {
					return fmt.Errorf("%+v asks for %q", from, request)
				}
				for at := 0; at < len(content); {
					n := min(1+r.IntN(600<<10), len(content)-at)
					if _, err := w.Write(content[at : at+n]); err != nil {
						return err
					}
					at += n
				}
				return nil
			}
		})
		s, err := a.Fetch(t.Context(), b.hello.Addr, []byte("all"))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		got, err := io.ReadAll(s)
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes of %d arrived, error %v", len(got), len(content), err)
		}
	})
}

func TestAStreamsFailureReachesItsReader(t *testing.T) {
	everywhere(t, func(t *testing.T, w network) {
		a := start(t, w, 1, nil)
		b := start(t, w, 2, func(c *peer.Config) {
			c.Stream = func(_ context.Context, _ peer.Hello, _ []byte, w io.Writer) error {
				io.WriteString(w, strings.Repeat("x", 1<<20))
				return errors.New("segment 7 is gone")
			}
		})
		s, err := a.Fetch(t.Context(), b.hello.Addr, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		got, err := io.ReadAll(s)
		if want := (peer.StreamFailed{Addr: b.hello.Addr, Why: "segment 7 is gone"}); err != want || len(got) != 1<<20 {
			t.Errorf("%d bytes and %v; want %v", len(got), err, want)
		}
	})
}

func TestATruncatedStreamIsNeverWhole(t *testing.T) {
	malformed := func(why string) error { return peer.Malformed{What: "stream", Why: why} }
	chunk := frame(kindChunk, strings.Repeat("x", 1000))
	for _, row := range []struct {
		name, says string
		got        int
		want       error
	}{
		{"cut at once", "", 0, io.ErrUnexpectedEOF},
		{"cut between chunks", chunk, 1000, io.ErrUnexpectedEOF},
		{"cut in a chunk", chunk + chunk[:500], 1000, io.ErrUnexpectedEOF},
		{"cut in a head", chunk + chunk[:3], 1000, io.ErrUnexpectedEOF},
		{"a wrong sum", chunk + frame(kindEnd, "\x01"), 1000, malformed("its end speaks of 1 bytes")},
		{"no sum", chunk + frame(kindEnd, ""), 1000, malformed("its end speaks of 0 bytes")},
		{"a stranger", chunk + frame(kindMessage, ""), 1000, malformed("a frame of kind 3 in it")},
		{"too large", "\xff\xff\xff\xff\x06sums", 0, peer.Oversized{What: "frame", Bytes: 1<<32 - 1, Limit: 1 << 20}},
		{"whole", chunk + chunk + frame(kindEnd, "\xd0\x0f"), 2000, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newMemory()
				a, l := start(t, w, 1, nil), w.listen(t)
				defer l.Close()
				go func() {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					readFrame(conn)
					io.WriteString(conn, frame(kindHello, helloBody(0)))
					readFrame(conn) // the request
					io.WriteString(conn, row.says)
					conn.(interface{ CloseWrite() error }).CloseWrite()
					io.Copy(io.Discard, conn)
					conn.Close()
				}()
				s, err := a.Fetch(t.Context(), l.Addr().String(), nil)
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				got, err := io.ReadAll(s)
				if len(got) != row.got || !errors.Is(err, row.want) || errors.Is(err, io.EOF) {
					t.Errorf("%d bytes and %v; want %d and %v", len(got), err, row.got, row.want)
				}
			})
		})
	}
}

func TestAStreamEndsWithItsContextAndItsReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMemory()
		ended := make(chan error, 1)
		a := start(t, w, 1, nil)
		b := start(t, w, 2, func(c *peer.Config) {
			c.Stream = func(ctx context.Context, _ peer.Hello, _ []byte, w io.Writer) error {
				<-ctx.Done()
				ended <- ctx.Err()
				return ctx.Err()
			}
		})
		ctx, cancel := context.WithCancelCause(t.Context())
		s, err := a.Fetch(ctx, b.hello.Addr, nil)
		if err != nil {
			t.Fatal(err)
		}
		cause := errors.New("another segment is wanted")
		time.AfterFunc(time.Second, func() { cancel(cause) })
		if _, err := s.Read(make([]byte, 1)); !errors.Is(err, cause) {
			t.Errorf("the stream ended with %v", err)
		}
		<-ended
		s.Close()
		if s, err = a.Fetch(t.Context(), b.hello.Addr, nil); err != nil {
			t.Fatal(err)
		}
		s.Close()
		<-ended
		if _, err := a.Fetch(t.Context(), b.hello.Addr, make([]byte, 2<<20)); !errors.As(err, new(peer.Oversized)) {
			t.Errorf("a huge request: %v", err)
		}
	})
}
