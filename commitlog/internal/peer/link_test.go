// Links over their life: slow receivers, lost connections, new addresses, silence, closing.

package peer_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/rehearse-go/rehearse/commitlog/internal/peer"
)

func TestAPeerThatComesBackIsReachedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMemory()
		a, b := start(t, w, 1, nil), start(t, w, 2, nil)
		a.Peer(2, b.hello.Addr)
		a.Send(2, heartbeat(1))
		<-b.received
		b.Close()
		synctest.Wait()
		a.Send(2, heartbeat(2))
		time.Sleep(3 * time.Second) // virtual
		if len(a.lost) == 0 {
			t.Error("a lost peer was not called unreachable")
		}
		b2 := start(t, w, 2, nil)
		a.Peer(2, b2.hello.Addr)
		began := time.Now()
		a.Send(2, heartbeat(3))
		if got := <-b2.received; got.GetTerm() != 3 {
			t.Errorf("term %d arrived, not 3", got.GetTerm())
		}
		if d := time.Since(began); d > time.Second {
			t.Errorf("it took %v to reach it", d)
		}
	})
}
func TestASlowReceiverIsPacedAndSendNeverBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMemory()
		gate := make(chan struct{})
		a := start(t, w, 1, func(c *peer.Config) { c.QueueBytes = 1 << 20 })
		var got []uint64
		b := start(t, w, 2, func(c *peer.Config) {
			c.Receive = func(_ peer.Hello, m *raftpb.Message) { <-gate; got = append(got, m.GetIndex()) }
		})
		a.Peer(2, b.hello.Addr)
		began := time.Now()
		for i := range uint64(1000) {
			a.Send(2, app(i+1, 10<<10))
			if i == 30 {
				synctest.Wait() // the first are on their way, and the sender is stuck
			}
		}
		synctest.Wait()
		if time.Since(began) > 0 {
			t.Error("Send blocked")
		}
		if n := len(a.lost); n != 1 {
			t.Errorf("it was called unreachable %d times, not once for a run of lost messages", n)
		}
		close(gate)
		synctest.Wait()
		for i := 1; i < len(got); i++ {
			if got[i] != got[i-1]+1 {
				t.Fatalf("%d came after %d", got[i], got[i-1])
			}
		}
		if len(got) < 100 || len(got) > 200 {
			t.Errorf("%d messages of 10 KiB came through a queue of 1 MiB", len(got))
		}
		a.Send(2, app(5000, 1))
		synctest.Wait()
		if last := got[len(got)-1]; last != 5000 {
			t.Errorf("the last is %d, not 5000", last)
		}
	})
}

func TestAReceiverThatReadsNothingForLongLosesItsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMemory()
		gate := make(chan struct{})
		a := start(t, w, 1, nil)
		b := start(t, w, 2, func(c *peer.Config) {
			c.Receive = func(peer.Hello, *raftpb.Message) { <-gate }
		})
		defer close(gate)
		a.Peer(2, b.hello.Addr)
		began := time.Now()
		a.Send(2, app(1, 1<<20))
		a.Send(2, app(2, 1<<20))
		<-a.lost
		if d := time.Since(began); d != 10*time.Second {
			t.Errorf("it was called unreachable after %v", d)
		}
	})
}

func TestAMessageToNobodyIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMemory()
		a, b := start(t, w, 1, func(c *peer.Config) { c.MaxFrame = 1 << 20 }), start(t, w, 2, nil)
		a.Send(7, heartbeat(1))
		if id := <-a.lost; id != 7 {
			t.Errorf("node %d is called unreachable, not 7", id)
		}
		a.Peer(2, b.hello.Addr)
		a.Send(2, app(1, 1<<20))
		if id := <-a.lost; id != 2 {
			t.Errorf("a message that is too large: node %d is called unreachable, not 2", id)
		}
		a.Send(2, heartbeat(3))
		if m := <-b.received; m.GetTerm() != 3 {
			t.Errorf("after it, %v arrived", m)
		}
		a.Forget(2)
		a.Send(2, heartbeat(4))
		if id := <-a.lost; id != 2 {
			t.Errorf("node %d is called unreachable, not 2", id)
		}
	})
}

func TestAnAddressThatChangesIsFollowedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMemory()
		a, b := start(t, w, 1, nil), start(t, w, 2, nil)
		silent := w.listen(t) // nobody accepts: dialing hangs
		defer silent.Close()
		a.Peer(2, silent.Addr().String())
		a.Send(2, heartbeat(1))
		synctest.Wait()
		began := time.Now()
		a.Peer(2, b.hello.Addr)
		<-b.received
		if d := time.Since(began); d > 0 || len(a.lost) > 0 {
			t.Errorf("it took %v, and %d were lost", d, len(a.lost))
		}
		b2 := start(t, w, 2, nil)
		a.Peer(2, b2.hello.Addr)
		a.Send(2, heartbeat(2))
		<-b2.received
	})
}

func TestAnIdleConnectionEndsQuietly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, log := newMemory(), make(lines, 10)
		quiet := func(c *peer.Config) { c.Logger = logTo(log) }
		a, b := start(t, w, 1, quiet), start(t, w, 2, quiet)
		a.Peer(2, b.hello.Addr)
		for i := range uint64(3) {
			a.Send(2, heartbeat(i))
			<-b.received
			time.Sleep(time.Hour) // virtual
		}
		if len(log) > 0 || len(a.lost) > 0 {
			t.Errorf("%d losses, and in the log: %s", len(a.lost), <-log)
		}
	})
}

func TestCloseInTheMiddleEndsAllThatRuns(t *testing.T) {
	everywhere(t, func(t *testing.T, w network) {
		serving, ended := make(chan struct{}), make(chan error, 1)
		a := start(t, w, 1, nil)
		b := start(t, w, 2, func(c *peer.Config) {
			c.Stream = func(ctx context.Context, _ peer.Hello, _ []byte, w io.Writer) error {
				w.Write(make([]byte, 300<<10))
				close(serving)
				<-ctx.Done()
				ended <- ctx.Err()
				return ctx.Err()
			}
		})
		a.Peer(2, b.hello.Addr)
		a.Peer(3, b.hello.Addr)
		for i := range uint64(100) {
			a.Send(2, app(i+1, 100<<10))
		}
		s, err := a.Fetch(t.Context(), b.hello.Addr, nil)
		if err != nil {
			t.Fatal(err)
		}
		<-serving
		read := make(chan error, 1)
		go func() {
			_, err := io.Copy(io.Discard, s)
			read <- err
		}()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		err = <-read
		var broken peer.Broken
		if !errors.As(err, &broken) || !errors.Is(err, peer.ErrClosed) {
			t.Errorf("the stream ended with %v", err)
		}
		if err := <-ended; err != context.Canceled {
			t.Errorf("the server's context ended with %v", err)
		}
		if _, err := a.Fetch(t.Context(), b.hello.Addr, nil); err != peer.ErrClosed {
			t.Errorf("Fetch on a closed transport returns %v", err)
		}
		a.Send(2, heartbeat(1))
		a.Peer(4, b.hello.Addr)
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestAMessageOfManyEntriesIsSentAsSeveral(t *testing.T) {
	everywhere(t, func(t *testing.T, w network) {
		a, b := start(t, w, 1, nil), start(t, w, 2, nil)
		a.Peer(2, b.hello.Addr)
		want := app(10, make([]int, 150_000)...)
		a.Send(2, want)
		var got []*raftpb.Entry
		for after := want; len(got) < len(want.Entries); {
			m := <-b.received
			if m.GetIndex() != after.GetIndex()+uint64(len(got)) || len(got) > 0 && m.GetLogTerm() != 7 {
				t.Fatalf("%d entries follow %d of term %d", len(m.Entries), m.GetIndex(), m.GetLogTerm())
			}
			got = append(got, m.Entries...)
		}
		for i, e := range got {
			if !proto.Equal(e, want.Entries[i]) {
				t.Fatalf("entry %d arrived as %v", i, e)
			}
		}
	})
}

// A flaky connection fails after some bytes.
type flaky struct {
	net.Conn
	left *atomic.Int64
}

func (c flaky) Write(p []byte) (int, error) {
	if c.left.Add(-int64(len(p))) < 0 {
		c.Conn.Close()
		return 0, fmt.Errorf("the cable is cut")
	}
	return c.Conn.Write(p)
}

func TestAConnectionThatBreaksIsReplacedAndReportedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMemory()
		var left atomic.Int64
		left.Store(1 << 20)
		a := start(t, w, 1, func(c *peer.Config) {
			c.Dial = func(ctx context.Context, address string) (net.Conn, error) {
				conn, err := w.dial(ctx, address)
				return flaky{conn, &left}, err
			}
		})
		b := start(t, w, 2, nil)
		a.Peer(2, b.hello.Addr)
		for i := range uint64(300) {
			a.Send(2, app(i+1, 4<<10))
			synctest.Wait()
		}
		if n := len(a.lost); n != 1 {
			t.Errorf("reported %d times", n)
		}
		left.Store(10 << 20)
		time.Sleep(time.Second) // virtual
		var last uint64
		for len(b.received) > 0 {
			m := <-b.received
			if m.GetIndex() <= last || !bytes.Equal(m.Entries[0].Data, app(m.GetIndex(), 4<<10).Entries[0].Data) {
				t.Fatalf("after %d came %d, or damaged", last, m.GetIndex())
			}
			last = m.GetIndex()
		}
		if last != 300 {
			t.Errorf("the last that came is %d, not 300", last)
		}
	})
}

// A deaf connection swallows what is written to it, once it is told to.
type deaf struct {
	net.Conn
	now *atomic.Bool
}

func (c deaf) Write(p []byte) (int, error) {
	if c.now.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func TestAConnectionThatSwallowsEverythingIsFoundOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMemory()
		var swallows atomic.Bool
		a := start(t, w, 1, func(c *peer.Config) {
			c.Dial = func(ctx context.Context, address string) (net.Conn, error) {
				conn, err := w.dial(ctx, address)
				return deaf{conn, &swallows}, err
			}
		})
		b := start(t, w, 2, nil)
		a.Peer(2, b.hello.Addr)
		for i := range uint64(60) {
			a.Send(2, heartbeat(i+1))
			time.Sleep(time.Second) // virtual
			swallows.Store(i >= 19 && i < 40)
		}
		if n := len(a.lost); n < 1 || n > 12 {
			t.Errorf("it was reported %d times in 20 s of silence", n)
		}
		before, after := 0, 0
		for len(b.received) > 0 {
			switch term := (<-b.received).GetTerm(); {
			case term <= 20:
				before++
			case term >= 45:
				after++
			}
		}
		if before != 20 || after != 16 {
			t.Errorf("%d of 20 came before the silence, %d of 16 after", before, after)
		}
	})
}

func TestAConnectionInUseIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMemory()
		c := peer.MuxConfig{PeerTLS: must[*tls.Config](t)(authority(t).PeerTLS(hosts...))}
		dialed := 0
		a, b := muxed(t, w, c, c, func(pc *peer.Config) {
			dial := pc.Dial
			pc.Dial = func(ctx context.Context, address string) (net.Conn, error) {
				dialed++
				return dial(ctx, address)
			}
		})
		a.Peer(2, b.hello.Addr)
		for i := range uint64(600) {
			a.Send(2, heartbeat(i))
			time.Sleep(time.Duration(i) * 100 * time.Millisecond) // virtual
			<-b.received
		}
		if dialed != 1 || len(a.lost) > 0 {
			t.Errorf("dialed %d times, lost %d", dialed, len(a.lost))
		}
	})
}
