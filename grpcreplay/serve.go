// The server in front of a desk: in memory, and on sockets.

package grpcreplay

import (
	"context"
	"crypto/tls"
	"io"
	"math"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	_ "google.golang.org/grpc/encoding/gzip" // clients may compress
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// window is how many bytes a connection in memory holds on their way.
const window = 1 << 20

// anyPings lets clients ask as often as they like whether the connection still
// stands. How often a server bears that is its own policy; gRPC's default, once
// in five minutes, hangs up on clients that are set up for another server's.
var anyPings = keepalive.EnforcementPolicy{MinTime: time.Nanosecond, PermitWithoutStream: true}

// An entrance is a gRPC server that hands every call to a desk.
type entrance struct {
	desk desk

	mu      sync.Mutex
	memory  *bufconn.Listener
	servers []*grpc.Server
	conns   []*grpc.ClientConn
	closed  bool
	calls   int           // under way
	idle    chan struct{} // closed when none is; nil: nobody waits for that
}

func newEntrance(d desk) *entrance { return &entrance{desk: d} }

// open serves a listener until close. extra are registered beside the desk.
func (e *entrance) open(l net.Listener, secure *tls.Config, extra ...func(*grpc.Server)) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return net.ErrClosed
	}
	e.serve(l, secure, extra...)
	return nil
}

// serve serves a listener until close. The caller holds mu.
func (e *entrance) serve(l net.Listener, secure *tls.Config, extra ...func(*grpc.Server)) {
	opts := []grpc.ServerOption{
		grpc.ForceServerCodecV2(raw{}), grpc.UnknownServiceHandler(e.handle),
		grpc.MaxRecvMsgSize(math.MaxInt32), grpc.MaxSendMsgSize(math.MaxInt32),
		grpc.KeepaliveEnforcementPolicy(anyPings), grpc.WaitForHandlers(true),
	}
	if secure != nil {
		opts = append(opts, grpc.Creds(credentials.NewTLS(secure)))
	} else if _, ok := l.(*bufconn.Listener); ok {
		opts = append(opts, grpc.Creds(trusting{}))
	}
	s := grpc.NewServer(opts...)
	for _, register := range extra {
		register(s)
	}
	e.servers = append(e.servers, s)
	go s.Serve(l) // ends with Stop, which waits for it
}

// connect opens a connection in memory.
func (e *entrance) connect(ctx context.Context) (net.Conn, error) {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil, net.ErrClosed
	}
	if e.memory == nil {
		e.memory = bufconn.Listen(window)
		e.serve(e.memory, nil)
	}
	l := e.memory
	e.mu.Unlock()
	return l.DialContext(ctx)
}

// dial returns a connection in memory, closed by close or, after that, at once.
func (e *entrance) dial(opts []grpc.DialOption) (*grpc.ClientConn, error) {
	opts = slices.Concat(offline(e), []grpc.DialOption{
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32)),
	}, opts)
	cc, err := grpc.NewClient("passthrough:///"+memoryAddress, opts...)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	closed := e.closed
	if !closed {
		e.conns = append(e.conns, cc)
	}
	e.mu.Unlock()
	if closed {
		cc.Close()
	}
	return cc, nil
}

// begins counts a call that begins.
func (e *entrance) begins() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls++
}

// ends counts a call that is over.
func (e *entrance) ends() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.calls--; e.calls == 0 && e.idle != nil {
		close(e.idle)
		e.idle = nil
	}
}

// rest waits until no call is under way, for so long at most.
func (e *entrance) rest(most time.Duration) {
	e.mu.Lock()
	if e.calls == 0 {
		e.mu.Unlock()
		return
	}
	if e.idle == nil {
		e.idle = make(chan struct{})
	}
	idle := e.idle
	e.mu.Unlock()
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case <-idle:
	case <-t.C:
	}
}

// close closes connections and servers, and waits for them and their calls.
func (e *entrance) close() {
	e.mu.Lock()
	conns, servers := e.conns, e.servers
	e.closed, e.conns, e.servers = true, nil, nil
	e.mu.Unlock()
	for _, cc := range conns {
		cc.Close()
	}
	for _, s := range servers {
		s.Stop()
	}
}

// handle answers one call.
func (e *entrance) handle(_ any, ss grpc.ServerStream) error {
	e.begins()
	defer e.ends()
	ctx := context.WithValue(ss.Context(), wireKey{}, true)
	method, _ := grpc.MethodFromServerStream(ss)
	md, _ := metadata.FromIncomingContext(ctx)
	p := e.desk.party(ctx, method, plainPairs(md))
	defer p.abandon()
	go listen(ss, p) // its RecvMsg fails when this handler has returned
	for {
		switch ev := p.next(); ev.Kind {
		case tape.Header:
			if err := ss.SendHeader(crossing(ev.Pairs)); err != nil {
				return err
			}
		case tape.Recv:
			if err := ss.SendMsg(frameOf(ev.Message)); err != nil {
				return err
			}
		case tape.End:
			ss.SetTrailer(crossing(ev.Pairs))
			if ev.Status.Plain {
				return status.Error(codes.Code(ev.Status.Code), ev.Status.Message)
			}
			return grpcStatus(ev.Status).Err()
		}
	}
}

// listen hands what the client sends to a party.
func listen(ss grpc.ServerStream, p party) {
	for {
		var f frame
		err := ss.RecvMsg(&f)
		if err == io.EOF {
			p.closeSend()
			return
		}
		if err != nil {
			return // the call is over, or its context says so
		}
		ok := p.send(f.b.Materialize())
		f.b.Free()
		if !ok {
			return
		}
	}
}

// plainPairs returns a request's metadata as its client set it, without what
// HTTP/2 and gRPC add.
func plainPairs(md metadata.MD) []tape.Pair {
	return slices.DeleteFunc(pairsOf(md), func(p tape.Pair) bool {
		return strings.HasPrefix(p.Key, ":") || transportKeys[p.Key]
	})
}

// transportKeys are headers of a request that are the transport's own.
var transportKeys = map[string]bool{
	"content-type": true, "user-agent": true, "te": true, "accept-encoding": true,
	"grpc-accept-encoding": true, "grpc-encoding": true,
	lengthKey: true,
}

// lengthKey tells how many bytes follow in one HTTP message, and is wrong of
// any other: peers that are not grpc-go's set it and hold others to it.
const lengthKey = "content-length"

// crossing returns what another server sent as metadata to send on.
func crossing(pairs []tape.Pair) metadata.MD {
	md := metadataOf(pairs)
	delete(md, lengthKey)
	return md
}
