// A connection: frames in, frames out, one request after the other.

package kafkatest

import (
	"bufio"
	"cmp"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/kafkatest/internal/security"
	"github.com/rehearse-go/rehearse/kafkatest/internal/state"
	"github.com/rehearse-go/rehearse/kafkatest/internal/wire"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A conn is one connection to a broker. Like a real broker's, it handles one
// request at a time: the next is looked at when the answer to the one before
// is on its way, so that answers are in order.
type conn struct {
	broker   *Broker
	life     *life
	listener *Listener
	nc       net.Conn
	number   int
	name     string // "broker 0 conn 3"

	host      string // the client's address, without port
	reached   string // ours, as the client dialled it, without port
	principal string
	client    string            // as the client named itself in its latest request
	software  string            // name and version, if the client told them
	session   *security.Session // its login; nil where there is none
	mechanism string            // of the login

	in    *bufio.Reader
	out   []byte // answers not written yet
	muted bool   // nothing is answered any more
}

// anonymous is the principal of whoever has not said who they are.
const anonymous = "User:ANONYMOUS"

// readBuffer is large enough for a pipeline of small requests; larger bodies
// are read past it.
const readBuffer = 8 << 10

func newConn(b *Broker, l *life, listener *Listener, nc net.Conn) *conn {
	if listener.TLS != nil {
		nc = tls.Server(nc, listener.TLS)
	}
	return &conn{
		broker:    b,
		life:      l,
		listener:  listener,
		nc:        nc,
		number:    b.accepted,
		name:      b.name + " conn " + strconv.Itoa(b.accepted),
		host:      hostOf(nc.RemoteAddr()),
		reached:   hostOf(nc.LocalAddr()),
		principal: anonymous,
	}
}

func hostOf(a net.Addr) string {
	host, _, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	return host
}

// sortConns puts connections in the order in which they were accepted.
func sortConns(conns []*conn) {
	slices.SortFunc(conns, func(a, b *conn) int { return cmp.Compare(a.number, b.number) })
}

// end closes or resets the connection, whatever it is doing.
func (x *conn) end(how Cut) {
	if how == Reset {
		reset(x.nc)
	}
	x.nc.Close()
}

// reset has the connection end with a reset where it knows how to.
func reset(nc net.Conn) {
	if secured, ok := nc.(*tls.Conn); ok {
		nc = secured.NetConn()
	}
	if lingers, ok := nc.(interface{ SetLinger(int) error }); ok {
		_ = lingers.SetLinger(0)
	}
	nc.Close()
}

// errCut ends a connection on purpose.
var errCut = errors.New("cut")

// run serves the connection until it ends.
func (x *conn) run() {
	defer x.life.running.Done()
	defer x.broker.forget(x)
	defer x.nc.Close()
	defer x.broker.cluster.enter(func(s *state.Cluster) { s.Disconnected(x.name) })
	x.event("kafka.connect")
	x.session = x.newSession()
	err := x.secure()
	if err == nil {
		x.in = bufio.NewReaderSize(x.nc, readBuffer)
		err = x.serve()
	}
	end := x.happening("kafka.close")
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, errCut) && !errors.Is(err, net.ErrClosed) {
		end.Notes = []journal.Note{{Key: "error", Value: err.Error()}}
	}
	x.broker.cluster.noteEnd(x, end)
}

// event records what happened to the connection.
func (x *conn) event(kind journal.Kind, notes ...journal.Note) int {
	if x.broker.cluster.journal == nil {
		return 0
	}
	return x.broker.cluster.note(x.happening(kind, notes...))
}

func (x *conn) happening(kind journal.Kind, notes ...journal.Note) journal.Event {
	return journal.Event{
		Kind: kind, Where: x.broker.name, Peer: x.client, Subject: x.listener.Name + " " + x.name, Notes: notes,
	}
}

// secure completes the TLS handshake, where the listener has one, and learns
// from it who the client is.
func (x *conn) secure() error {
	if x.listener.TLS == nil {
		return nil
	}
	secured := x.nc.(*tls.Conn)
	if err := secured.Handshake(); err != nil {
		return err
	}
	return x.certified(secured)
}

// serve reads requests and answers them.
func (x *conn) serve() error {
	for {
		if len(x.out) >= largeBuffer || !wire.HasFrame(x.in) {
			if err := x.flush(); err != nil {
				return err
			}
		}
		frame, taken, err := x.broker.cluster.frames.ReadFrame(x.in, x.frameLimit())
		if err != nil {
			return x.unframed(err)
		}
		answer := x.request
		if x.session != nil && x.session.Raw() {
			answer = x.token
		}
		err = answer(frame)
		x.broker.cluster.frames.Return(taken)
		if err != nil {
			return errors.Join(err, x.flush())
		}
	}
}

// unframed records a length that no frame has; other errors are the end of the
// connection, which is recorded anyway.
func (x *conn) unframed(err error) error {
	var size *wire.SizeError
	if errors.As(err, &size) || errors.Is(err, wire.ErrBudget) {
		x.event("kafka.bad", journal.Note{Key: "error", Value: err.Error()})
	}
	return err
}

// request answers one request. An error ends the connection.
func (x *conn) request(frame []byte) error {
	h, rest, err := wire.ParseHeader(frame)
	if err != nil {
		return x.bad(frame, err)
	}
	if h.ClientID != nil {
		x.client = *h.ClientID
	}
	if r, unsupported := x.broker.cluster.beyondApiVersions(h); unsupported {
		x.event("kafka.version", journal.Note{Key: "asked", Value: h.Name()})
		x.out = wire.AppendResponse(x.out, h.Correlation, r)
		return nil
	}
	if err := cmp.Or(x.broker.cluster.served(h), x.admits(h)); err != nil {
		return x.bad(frame, err)
	}
	req, err := wire.ParseBody(h, rest)
	if err != nil {
		return x.bad(frame, err)
	}
	if r, ok := req.(*kmsg.ApiVersionsRequest); ok && r.Version >= 3 {
		x.software = r.ClientSoftwareName + " " + r.ClientSoftwareVersion
	}
	e := &exchange{
		Exchange: Exchange{
			Broker: x.broker.id, Listener: x.listener.Name, Conn: x.name,
			ClientID: x.client, Principal: x.principal, Request: req,
			cluster: x.broker.cluster, ctx: x.life.ctx, reached: x.reached,
		},
		conn: x, correlation: h.Correlation, read: len(frame) + 4,
	}
	if err := e.serve(frame); err != nil {
		return err
	}
	if e.unseen() {
		wire.Spare(frame)
	}
	return x.seen()
}

// bad records a request that is none, and ends the connection as a broker
// does.
func (x *conn) bad(frame []byte, err error) error {
	if c := x.broker.cluster; c.journal != nil {
		c.note(journal.Event{
			Kind: "kafka.bad", Where: x.broker.name, Peer: x.client, Subject: x.listener.Name + " " + x.name,
			Size: len(frame), Body: frame[:min(len(frame), 1024)],
			Notes: []journal.Note{{Key: "error", Value: err.Error()}},
		})
	}
	return err
}

// largeBuffer is the size from which on answers are written even if the next
// request is there already, and from which on a buffer goes back to the pool, so
// that a connection holds little.
const largeBuffer = 64 << 10

var largeBuffers = sync.Pool{New: func() any { return new([]byte) }}

// flush writes the answers that have gathered.
func (x *conn) flush() error {
	if len(x.out) == 0 {
		return nil
	}
	_, err := x.nc.Write(x.out)
	if cap(x.out) >= largeBuffer {
		buffer := x.out[:0]
		largeBuffers.Put(&buffer)
		x.out = nil
		return err
	}
	x.out = x.out[:0]
	return err
}

// send writes the answers that have gathered, and behind them one more in
// parts, none of which is copied. It returns how many bytes that one has.
func (x *conn) send(parts net.Buffers) (int, error) {
	if err := x.flush(); err != nil {
		return 0, err
	}
	n, err := parts.WriteTo(x.nc)
	return int(n), err
}

// room makes room for an answer of about that many bytes.
func (x *conn) room(size int) {
	if size < largeBuffer || cap(x.out)-len(x.out) >= size {
		return
	}
	larger := *largeBuffers.Get().(*[]byte)
	if cap(larger) < len(x.out)+size {
		larger = make([]byte, 0, len(x.out)+size)
	}
	x.out = append(larger, x.out...)
}

// pause waits for d, or until until is closed where it is not nil; it returns
// an error if the broker stops first.
func (x *conn) pause(d time.Duration, until <-chan struct{}) error {
	if until != nil {
		select {
		case <-until:
		case <-x.life.ended:
			return errCut
		}
	}
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-x.life.ended:
		return errCut
	}
}
