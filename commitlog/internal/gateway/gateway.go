// The handler: a request in, records in or out.

package gateway

import (
	"cmp"
	"context"
	"net/http"
	"strconv"

	"github.com/rehearse-go/rehearse/commitlog"
)

// A Node is what the gateway needs of one: its log.
type Node interface {
	Produce(ctx context.Context, b commitlog.Batch) (commitlog.Pos, error)
	Fetch(ctx context.Context, from uint64, o commitlog.ReadOptions) ([]commitlog.Record, error)
	Status() commitlog.Status
}

// A Config says what to serve, and to whom.
type Config struct {
	// Node is what is served. There is no default.
	Node Node
	// Authorize says whether the sender of r may "produce" or "consume". Its
	// gRPC statuses are told as those of HTTP; other errors are 403. If nil,
	// everybody may do both.
	Authorize func(r *http.Request, action string) error
	// MaxBody is how many bytes a request's body may have; if 0, 16 MiB,
	// which is 12 MiB of values.
	MaxBody int64
}

// New returns a handler of c.
func New(c Config) http.Handler {
	if c.Node == nil || c.MaxBody < 0 {
		panic("gateway: Config without a Node, or with a negative MaxBody")
	}
	c.MaxBody = cmp.Or(c.MaxBody, 16<<20)
	if c.Authorize == nil {
		c.Authorize = func(*http.Request, string) error { return nil }
	}
	return gateway{c, http.NewCrossOriginProtection()}
}

type gateway struct {
	config Config
	origin *http.CrossOriginProtection // a page elsewhere must not write here through a reader's browser
}

// ServeHTTP answers one request.
func (g gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, g.config.MaxBody)
	var answer any
	var err error
	switch {
	case r.URL.Path != "/":
		err = refusal{http.StatusNotFound, "NOT_FOUND", "there is only /"}
	case r.Method == http.MethodPost:
		answer, err = g.produce(r)
	case r.Method == http.MethodGet:
		answer, err = g.consume(r)
	default:
		w.Header().Set("Allow", "GET, POST")
		err = refusal{http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "POST produces and GET consumes"}
	}
	if err != nil {
		writeError(w, err)
		return
	}
	write(w, http.StatusOK, answer)
}

func (g gateway) produce(r *http.Request) (any, error) {
	if err := g.origin.Check(r); err != nil {
		return nil, refusal{http.StatusForbidden, "CROSS_ORIGIN", err.Error()}
	}
	if err := g.authorize(r, "produce"); err != nil {
		return nil, err
	}
	var req produceRequest
	if err := decode(r.Body, &req); err != nil {
		return nil, err
	}
	if req.Record == nil {
		return nil, senseless(`the body has no record; send {"record":{"value":"aGVsbG8="}}`)
	}
	pos, err := g.config.Node.Produce(r.Context(), commitlog.Batch{Records: []commitlog.Record{req.Record.record()}})
	if err != nil {
		return nil, err
	}
	return produceResponse{pos.Offset}, nil
}

func (g gateway) consume(r *http.Request) (any, error) {
	if err := g.authorize(r, "consume"); err != nil {
		return nil, err
	}
	offset, err := offsetOf(r)
	if err != nil {
		return nil, err
	}
	records, err := g.config.Node.Fetch(r.Context(), offset, commitlog.ReadOptions{MaxBytes: 1})
	if err != nil {
		return nil, err
	}
	if len(records) == 0 {
		now := g.config.Node.Status()
		return nil, commitlog.OffsetOutOfRange{Offset: offset, Low: now.Low, Next: now.Next}
	}
	return consumeResponse{recordOf(records[0])}, nil
}

// offsetOf reads the offset from the query, or else from the body.
func offsetOf(r *http.Request) (uint64, error) {
	if query := r.URL.Query(); query.Has("offset") {
		offset, err := strconv.ParseUint(query.Get("offset"), 10, 64)
		if err != nil {
			return 0, senseless("the offset %.40q in the query is no offset: %v", query.Get("offset"), errorOf(err))
		}
		return offset, nil
	}
	var req consumeRequest
	err := decode(r.Body, &req)
	return req.Offset, err
}
