// A crowd of goroutines that share a service, recorded and replayed.

package grpcreplay_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/rehearse-go/rehearse/grpcreplay"
	"github.com/rehearse-go/rehearse/journal"
)

// A chance draws numbers from a seed.
type chance struct {
	mu    sync.Mutex
	state uint64
}

func (d *chance) below(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.state += 0x9e3779b97f4a7c15
	z := d.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return int((z ^ z>>31) % uint64(n))
}

// A crowd is one run of a program, and what its goroutines hold it to.
type crowd struct {
	ctx  context.Context
	cc   *grpc.ClientConn
	rest func() // what goroutines do between calls: as much or as little as chance wills
	wg   sync.WaitGroup

	mu    sync.Mutex
	done  map[string]bool
	wrong []string
}

// all runs the goroutines 0 to n-1 and waits for them.
func (c *crowd) all(n int, run func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			c.rest()
			run(i)
		})
	}
	wg.Wait()
}

func (c *crowd) fault(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
}

// does notes that something is about to be done.
func (c *crowd) does(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done[what] = true
}

// follows holds that what is heard was done before.
func (c *crowd) follows(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.done[what] {
		c.wrong = append(c.wrong, fmt.Sprintf("%q is heard before it is done", what))
	}
}

// once holds that something is heard only once.
func (c *crowd) once(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done["once "+what] {
		c.wrong = append(c.wrong, fmt.Sprintf("%q is heard twice", what))
	}
	c.done["once "+what] = true
}

// equal holds that something is as it must be.
func (c *crowd) equal(got, want string) {
	if got != want {
		c.fault("it is %q, and not %q", got, want)
	}
}

// ask makes a unary call.
func (c *crowd) ask(method, text string) string {
	s, err := c.try(c.ctx, method, text)
	if err != nil {
		c.fault("%s %q: %v", method, text, err)
	}
	return s
}

func (c *crowd) try(ctx context.Context, method, text string) (string, error) {
	answer := new(wrapperspb.StringValue)
	err := c.cc.Invoke(ctx, "/hub.Hub/"+method, wrapperspb.String(text), answer)
	return answer.Value, err
}

// A talk is a stream of a crowd.
type talk struct {
	grpc.ClientStream
	c *crowd
}

func (c *crowd) open(method string) *talk {
	s, err := c.cc.NewStream(c.ctx, &grpc.StreamDesc{
		ServerStreams: method != "Upload", ClientStreams: method != "Watch" && method != "Download",
	}, "/hub.Hub/"+method)
	if err != nil {
		c.fault("%s: %v", method, err)
		runtime.Goexit()
	}
	return &talk{s, c}
}

// read opens a stream of the server's alone.
func (c *crowd) read(method, text string) *talk {
	s := c.open(method)
	s.say(text)
	s.CloseSend()
	return s
}

func (s *talk) say(text string) { s.SendMsg(wrapperspb.String(text)) }

// hear returns the next message; it is false at the end.
func (s *talk) hear() (string, bool) {
	m := new(wrapperspb.StringValue)
	err := s.RecvMsg(m)
	if err != nil && err != io.EOF && status.Code(err).String() != "Canceled" {
		s.c.fault("a stream ends by %v", err)
	}
	return m.Value, err == nil
}

// heard returns the next message, which must come.
func (s *talk) heard() string {
	text, ok := s.hear()
	if !ok {
		s.c.fault("a stream ends too early")
		runtime.Goexit()
	}
	return text
}

// A run says how a program went.
type run struct {
	err    error
	wrong  []string
	stalls []string
	took   time.Duration
}

// record records a program against a hub whose answers take their time.
func (p crowdProgram) record(t *testing.T, seed int) []byte {
	l := bufconn.Listen(1 << 16)
	dialer := func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }
	d := &chance{state: uint64(seed)}
	h := newHub(func() {
		time.Sleep(time.Duration(d.below(1500)) * time.Microsecond) // virtual
	})
	s := grpc.NewServer(grpc.WaitForHandlers(true))
	s.RegisterService(h.desc(), nil)
	served := make(chan struct{})
	go func() {
		s.Serve(l)
		close(served)
	}()
	var b bytes.Buffer
	r, err := grpcreplay.NewRecorder(grpcreplay.Config{Writer: &b})
	if err != nil {
		t.Fatal(err)
	}
	out := p.once(d, append(r.DialOptions(), grpc.WithContextDialer(dialer)))
	for _, w := range out.wrong {
		t.Errorf("live: %s", w)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	s.Stop()
	<-served
	return b.Bytes()
}

// once runs the program.
func (p crowdProgram) once(d *chance, opts []grpc.DialOption) *run {
	opts = append(opts, grpc.WithTransportCredentials(insecure.NewCredentials()))
	cc, err := grpc.NewClient("passthrough:///hub", opts...)
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &crowd{ctx: ctx, cc: cc, done: map[string]bool{}}
	c.rest = func() {
		for range d.below(4) {
			runtime.Gosched()
		}
		if d.below(3) == 0 {
			time.Sleep(time.Duration(d.below(1000)) * time.Microsecond) // virtual
		}
	}
	begin := time.Now()
	p.run(c)
	cancel()
	c.wg.Wait()
	took := time.Since(begin)
	cc.Close()
	return &run{wrong: c.wrong, took: took}
}

// replay runs the program against its recording.
func (p crowdProgram) replay(t *testing.T, b []byte, seed int, config grpcreplay.Config) *run {
	rec, err := grpcreplay.Read(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	config.Journal = &journal.Journal{}
	r, err := grpcreplay.NewReplayer(rec, config)
	if err != nil {
		t.Fatal(err)
	}
	out := p.once(&chance{state: uint64(seed) * 7919}, r.DialOptions())
	out.err = r.Close()
	for _, e := range config.Journal.Tail(1 << 20) {
		if e.Kind == "grpc.stall" {
			out.stalls = append(out.stalls, e.String())
		}
	}
	return out
}

func TestWhatACrowdHearsOnReplayIsTrue(t *testing.T) {
	for i, p := range crowdPrograms {
		t.Run(p.name, func(t *testing.T) {
			var b []byte
			synctest.Test(t, func(t *testing.T) { b = p.record(t, i+1) })
			for seed := range 5 {
				synctest.Test(t, func(t *testing.T) {
					p.holds(t, p.replay(t, b, seed+1, grpcreplay.Config{Strict: !p.races, AllowUnused: p.races}))
				})
			}
		})
	}
}

// holds tells what went wrong in a run.
func (p crowdProgram) holds(t *testing.T, r *run) {
	for _, w := range r.wrong {
		t.Errorf("on replay: %s", w)
	}
	if p.races {
		return
	}
	for _, s := range r.stalls {
		t.Errorf("it stalls: %s", s)
	}
	if r.err != nil {
		t.Error(r.err)
	}
	if r.took > 500*time.Millisecond {
		t.Errorf("all waited for one another: it took %v", r.took)
	}
}
