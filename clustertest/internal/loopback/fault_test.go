// What faults do to connections: links cut and slow, hosts down, crashed, paused.

package loopback_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest/internal/loopback"
	"github.com/rehearse-go/rehearse/vnet"
)

const first = "app>api:80#0" // what the first connection of a pair is called

func TestACutHoldsOneWaysBytesAndLosesNone(t *testing.T) {
	s := tell(t, loopback.Config{})
	app, api := s.pair()
	heal := s.fault("cut app api")
	begun := s.journal.Last()
	writes(t, app, "held")
	s.await("net.send", first, begun)
	writes(t, api, "free")
	reads(t, app, "free")
	for e := range s.journal.Events(begun) {
		if e.Kind == "net.deliver" && e.Where == "api" {
			t.Errorf("arrived through a cut: %v", e)
		}
	}
	heal()
	reads(t, api, "held")
	app.Close()
	if _, err := api.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("Read = %v, want EOF", err)
	}
}

func TestACutHoldsEndsAndResetsToo(t *testing.T) {
	for _, linger := range []int{-1, 0} {
		s := tell(t, loopback.Config{})
		app, api := s.pair()
		heal := s.fault("cut app api")
		begun := s.journal.Last()
		app.(interface{ SetLinger(int) error }).SetLinger(linger)
		app.Close()
		if linger == 0 {
			s.await("net.rst", first, begun)
		} else {
			s.await("net.fin", first, begun)
		}
		api.SetReadDeadline(time.Now().Add(time.Millisecond))
		if _, err := api.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("through a cut came %v", err)
		}
		api.SetReadDeadline(time.Now().Add(late))
		heal()
		if _, err := api.Read(make([]byte, 1)); (linger == 0) != errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("linger %d: after the cut came %v", linger, err)
		}
	}
}

func TestBehindACutAWriterWaits(t *testing.T) {
	s := tell(t, loopback.Config{})
	app, api := s.pair()
	heal := s.fault("cut app api")
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	app.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	n, err := app.Write(data)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%d bytes went into a cut link: %v", n, err)
	}
	if n > 2<<20 {
		t.Errorf("%d bytes were taken, where some hundred thousand find room", n)
	}
	heal()
	got := make([]byte, n)
	if _, err := io.ReadFull(api, got); err != nil || !bytes.Equal(got, data[:n]) {
		t.Errorf("what was taken did not arrive: %v", err)
	}
}

func TestADialWaitsForACutEitherWay(t *testing.T) {
	for _, fault := range []string{
		"cut app api", "cut api app", "part app", "part app api", "pause api", "pause app", "link api app loss=1",
	} {
		t.Run(fault, func(t *testing.T) {
			s := tell(t, loopback.Config{})
			s.Host("app")
			l := s.listen(s.Host("api"), "api:80")
			heal := s.fault(fault)
			result := s.dialLater(s.Host("app"), "api:80")
			s.await("net.dial", first, 0)
			s.elsewhere()
			heal()
			writes(t, s.reached(result), "x")
			reads(t, s.accept(l), "x")
			if s.await("net.connect", first, 0).Seq < s.await("fault.end", fault, 0).Seq {
				t.Errorf("connected through the fault:\n%s", s.tale())
			}
		})
	}
}

func TestADialThroughACutGivesUp(t *testing.T) {
	s := tell(t, loopback.Config{GiveUp: 10 * time.Millisecond})
	s.listen(s.Host("api"), "api:80")
	s.Host("app")
	s.fault("cut api app")
	_, err := s.Host("app").Dial(t.Context(), "tcp", "api:80")
	var op *net.OpError
	if !errors.Is(err, syscall.ETIMEDOUT) || !errors.As(err, &op) || !op.Timeout() {
		t.Errorf("got %v, want a timeout", err)
	}
	s.await("net.timeout", first, 0)
}

func TestADialThroughACutEndsWithItsContext(t *testing.T) {
	s := tell(t, loopback.Config{})
	l := s.listen(s.Host("api"), "api:80")
	s.Host("app")
	heal := s.fault("cut app api")
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() {
		_, err := s.Host("app").Dial(ctx, "tcp", "api:80")
		result <- err
	}()
	s.await("net.dial", first, 0)
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	heal()
	s.dial(s.Host("app"), "api:80")
	if got := s.accept(l).RemoteAddr().String(); got != "10.0.0.2:32769" {
		t.Errorf("accepted %s: who had gone was connected", got)
	}
}

func TestAPartitionHoldsForHostsToCome(t *testing.T) {
	s := tell(t, loopback.Config{})
	l := s.listen(s.Host("api"), "api:80")
	heal := s.fault("part api")
	result := s.dialLater(s.Host("app"), "api:80")
	s.await("net.dial", first, 0)
	s.elsewhere()
	if s.has("net.connect", first, 0) {
		t.Error("connected across the partition")
	}
	heal()
	s.reached(result)
	s.accept(l)
}

func TestFaultsOverlapAndEndOnce(t *testing.T) {
	for _, fault := range []string{"cut app api", "part app", "pause app", "crash api"} {
		t.Run(fault, func(t *testing.T) {
			s := tell(t, loopback.Config{})
			s.Host("api")
			s.Host("app")
			one, two := s.fault(fault), s.fault(fault)
			one()
			one()
			if fault == "crash api" {
				_, err := s.Host("api").Listen(t.Context(), "tcp", "api:80")
				if !errors.Is(err, syscall.ENETDOWN) {
					t.Errorf("after one of two ends: Listen = %v", err)
				}
				two()
				s.listen(s.Host("api"), "api:80")
				s.dial(s.Host("app"), "api:80")
				return
			}
			s.listen(s.Host("api"), "api:80")
			result := s.dialLater(s.Host("app"), "api:80")
			s.await("net.dial", first, 0)
			s.elsewhere()
			if s.has("net.connect", first, 0) {
				t.Error("connected after one of two ends")
			}
			two()
			s.reached(result)
		})
	}
}

func TestALinkTakesItsTime(t *testing.T) {
	const latency = 5 * time.Millisecond
	s := tell(t, loopback.Config{Link: vnet.LinkConfig{Latency: latency}})
	begin := time.Now()
	app, api := s.pair()
	if took := time.Since(begin); took < 2*latency {
		t.Errorf("a dial took %v, there and back should be %v", took, 2*latency)
	}
	begin = time.Now()
	writes(t, app, "ping")
	reads(t, api, "ping")
	if took := time.Since(begin); took < latency {
		t.Errorf("a message took %v, less than %v", took, latency)
	}
	end := s.fault("link app api latency=50ms")
	begin = time.Now()
	writes(t, app, "ping")
	reads(t, api, "ping")
	if took := time.Since(begin); took < 50*time.Millisecond {
		t.Errorf("a message took %v, less than the fault's", took)
	}
	end()
}

func TestJitterLossAndBandwidthLeaveAStreamWhole(t *testing.T) {
	bad := vnet.LinkConfig{Jitter: time.Millisecond, Loss: 0.02, Bandwidth: 16 << 20}
	s := tell(t, loopback.Config{Seed: 3, Link: bad})
	app, api := s.pair()
	data := bytes.Repeat([]byte("0123456789abcde"), 40_000)
	go func() {
		app.Write(data)
		app.Close()
	}()
	got, err := io.ReadAll(api)
	if err != nil || !bytes.Equal(got, data) {
		t.Fatalf("%d of %d bytes, as sent: %v; %v", len(got), len(data), bytes.Equal(got, data), err)
	}
	s.await("fault.loss", first, 0)
}

func TestAConnectionIsResetByName(t *testing.T) {
	s := tell(t, loopback.Config{})
	app, api := s.pair()
	if names := s.Conns(); len(names) != 1 || names[0] != first {
		t.Fatalf("Conns = %v", names)
	}
	s.fault("reset " + first)()
	s.isReset(app)
	s.isReset(api)
	s.await("net.reset", first, 0)
	if _, err := s.Fault(vnet.Fault{Kind: "reset", A: "app>api:80#9"}); err == nil {
		t.Error("a connection that is not there was reset")
	}
}

func TestAHostThatIsDownResetsAndRefuses(t *testing.T) {
	s := tell(t, loopback.Config{})
	app, api := s.pair()
	l := s.listen(s.Host("api"), "api:90")
	waiting := s.dial(s.Host("app"), "api:90")
	up := s.fault("down api")
	s.isReset(app)
	s.isReset(api)
	s.isReset(waiting)
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept = %v", err)
	}
	s.refuses(s.Host("app"), "api:80")
	if _, err := s.Host("api").Listen(t.Context(), "tcp", "api:80"); !errors.Is(err, syscall.ENETDOWN) {
		t.Errorf("Listen = %v", err)
	}
	if _, err := s.Host("api").Dial(t.Context(), "tcp", "app:80"); !errors.Is(err, syscall.ENETUNREACH) {
		t.Errorf("Dial = %v", err)
	}
	up()
	s.refuses(s.Host("app"), "api:80") // what lived there is gone
	l = s.listen(s.Host("api"), "api:80")
	writes(t, s.dial(s.Host("app"), "api:80"), "x")
	reads(t, s.accept(l), "x")
}

func TestOfACrashNobodyIsTold(t *testing.T) {
	s := tell(t, loopback.Config{})
	app, api := s.pair()
	up := s.fault("crash api")
	s.isReset(api)
	begun := s.journal.Last()
	writes(t, app, "anybody?")
	s.await("net.send", first, begun)
	app.SetReadDeadline(time.Now().Add(time.Millisecond))
	if _, err := app.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the peer of a crashed host was told %v", err)
	}
	app.SetReadDeadline(time.Now().Add(late))
	result := s.dialLater(s.Host("app"), "api:80")
	s.await("net.dial", "app>api:80#1", begun)
	if s.has("net.refused", "app>api:80#1", 0) {
		t.Error("a crashed host refused a dial")
	}
	up()
	if d := <-result; !errors.Is(d.err, syscall.ECONNREFUSED) {
		t.Errorf("after the crash nobody listens: %v", d.err)
	}
	s.isReset(app) // since it had written
}

func TestWhatACrashedHostHadOnTheWayIsGone(t *testing.T) {
	s := tell(t, loopback.Config{})
	app, api := s.pair()
	heal := s.fault("cut api app")
	begun := s.journal.Last()
	writes(t, api, "never arrives")
	s.await("net.send", first, begun)
	up := s.fault("crash api")
	heal()
	up()
	writes(t, app, "anybody?")
	s.isReset(app)
}

func TestAPausedHostIsSilentBothWays(t *testing.T) {
	s := tell(t, loopback.Config{})
	app, api := s.pair()
	resume := s.fault("pause api")
	begun := s.journal.Last()
	writes(t, app, "to")
	writes(t, api, "fro")
	s.await("net.send", first, s.await("net.send", first, begun).Seq)
	s.elsewhere()
	if s.has("net.deliver", first, begun) {
		t.Error("something arrived")
	}
	resume()
	reads(t, api, "to")
	reads(t, app, "fro")
}

func TestASlowHostReadsSlowly(t *testing.T) {
	s := tell(t, loopback.Config{})
	app, api := s.pair()
	end := s.fault("slow api 1000000")
	data := bytes.Repeat([]byte("x"), 100_000)
	begin := time.Now()
	go app.Write(data)
	reads(t, api, string(data))
	if took := time.Since(begin); took < 80*time.Millisecond {
		t.Errorf("100,000 bytes at 1,000,000 a second took %v", took)
	}
	end()
}

func TestASenderWhoseBytesCannotGoOnIsReset(t *testing.T) {
	for _, link := range []vnet.LinkConfig{{}, {Latency: time.Millisecond}} {
		s := tell(t, loopback.Config{GiveUp: time.Second, Link: link}) // a busy machine's dials take long
		app, api := s.pair()
		heal := s.fault("part app api")
		writes(t, app, "stuck")
		s.isReset(app)
		s.await("net.timeout", first, 0)
		heal()
		s.elsewhere()
		writes(t, api, "anybody?") // and only who writes learns of it
		s.isReset(api)
		asked := 0
		for e := range s.journal.Events(1) {
			if e.Kind == "net.send" && e.Where == "api" {
				asked = e.Seq
			}
		}
		if told := s.await("net.rst", first, 0).Seq; told < asked {
			t.Errorf("%v: told before it asked:\n%s", link, s.tale())
		}
	}
}

func TestAResetBehindAnEndThatIsOnItsWayIsTold(t *testing.T) {
	s := tell(t, loopback.Config{})
	app, api := s.pair()
	s.fault("link api app latency=50ms")
	api.Close()
	var err error
	for b := make([]byte, 64<<10); err == nil; {
		_, err = app.Write(b)
	}
	if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v\n%s", err, s.tale())
	}
	s.await("net.rst", first, s.await("net.fin", first, 0).Seq)
}

func TestBandwidthTakesItsTime(t *testing.T) {
	s := tell(t, loopback.Config{Link: vnet.LinkConfig{Bandwidth: 4 << 20}})
	app, api := s.pair()
	data := bytes.Repeat([]byte("x"), 400<<10)
	begin := time.Now()
	go app.Write(data)
	reads(t, api, string(data))
	if took := time.Since(begin); took < 90*time.Millisecond {
		t.Errorf("400 KiB at 4 MiB a second took %v", took)
	}
}

func TestWhatRealSocketsCannotDoIsAnError(t *testing.T) {
	s := tell(t, loopback.Config{})
	s.listen(s.Host("api"), "api:80")
	if _, err := s.Fault(vnet.Fault{Kind: "full", A: "api:80"}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v, want ErrUnsupported", err)
	}
}

func TestFaultsThatCannotBeAreErrors(t *testing.T) {
	s := tell(t, loopback.Config{})
	s.Host("api")
	for _, f := range []vnet.Fault{
		{}, {Kind: "flood", A: "api"}, {Kind: "down"}, {Kind: "down", A: "nobody"}, {Kind: "cut", A: "api", B: "api"},
		{Kind: "part", A: "api,api"}, {Kind: "pause", A: "api", Rate: 3}, {Kind: "slow", A: "api", Rate: -1},
	} {
		before := s.journal.Last()
		if _, err := s.Fault(f); err == nil {
			t.Errorf("%+v was applied", f)
		}
		if s.journal.Last() != before {
			t.Errorf("%+v was recorded", f)
		}
	}
}

func TestTheJournalTellsAConnectionsLife(t *testing.T) {
	s := tell(t, loopback.Config{})
	app, api := s.pair()
	writes(t, app, "hello")
	reads(t, api, "hello")
	app.Close()
	api.Read(make([]byte, 1))
	end := s.fault("part app api")
	end()
	want := []string{
		"net.listen api  api:80 0", "net.dial app api app>api:80#0 0", "net.connect api app app>api:80#0 0",
		"net.accept api app app>api:80#0 0", "net.send app api app>api:80#0 5", "net.deliver api app app>api:80#0 5",
		"net.fin app api app>api:80#0 0", "net.deliver api app app>api:80#0 0",
		"fault.part app api part app api 0", "fault.end app api part app api 0",
	}
	var got []string
	for e := range s.journal.Events(1) {
		got = append(got, fmt.Sprintf("%s %s %s %s %d", e.Kind, e.Where, e.Peer, e.Subject, e.Size))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got\n%s", s.tale())
	}
}

func TestErrorsNameVirtualAddressesAlone(t *testing.T) {
	s := tell(t, loopback.Config{})
	app, api := s.pair()
	s.fault("reset " + first)
	_, between := io.Copy(app, api)
	_, alone := io.Copy(io.Discard, app)
	for _, err := range []error{between, alone} {
		if err == nil || strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("got %v", err)
		}
	}
}
