// The gateway, as curl sees it.

package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/internal/gateway"
)

// A memory is a log without a disk or a peer.
type memory struct {
	records []commitlog.Record
	fails   error
}

func (m *memory) Produce(_ context.Context, b commitlog.Batch) (commitlog.Pos, error) {
	if m.fails != nil {
		return commitlog.Pos{}, m.fails
	}
	pos := commitlog.Pos{Offset: uint64(len(m.records)), Index: 1, Term: 1}
	for _, r := range b.Records {
		r.Offset, r.Time = uint64(len(m.records)), time.Unix(1, 0)
		m.records = append(m.records, r)
	}
	return pos, nil
}

func (m *memory) Fetch(_ context.Context, from uint64, _ commitlog.ReadOptions) ([]commitlog.Record, error) {
	if from >= uint64(len(m.records)) {
		return nil, m.fails
	}
	return m.records[from:], m.fails
}

func (m *memory) Status() commitlog.Status { return commitlog.Status{Next: uint64(len(m.records))} }

// ask sends one request and returns what is answered, as "code body".
func ask(t *testing.T, h http.Handler, method, target, body string) string {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, target, strings.NewReader(body)))
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("%s %s: Content-Type is %q", method, target, got)
	}
	if !json.Valid(w.Body.Bytes()) {
		t.Errorf("%s %s: the answer is no JSON: %q", method, target, w.Body)
	}
	return fmt.Sprintf("%d %s", w.Code, strings.TrimSuffix(w.Body.String(), "\n"))
}

func TestWhatIsProducedIsConsumed(t *testing.T) {
	h := gateway.New(gateway.Config{Node: &memory{}})
	for _, c := range []struct{ method, target, body, want string }{
		{"POST", "/", `{"record":{"value":"aGVsbG8="}}`, `200 {"offset":0}`},
		{"POST", "/", `{"record":{"value":"", "offset": 77, "key":"aw==", "headers":[{"name":"n","value":"dg=="}]}}`,
			`200 {"offset":1}`},
		{"GET", "/", `{"offset":0}`, `200 {"record":{"value":"aGVsbG8=","offset":0}}`},
		{"GET", "/", `{}`, `200 {"record":{"value":"aGVsbG8=","offset":0}}`},
		{"GET", "/?offset=1", ``,
			`200 {"record":{"value":"","offset":1,"key":"aw==","headers":[{"name":"n","value":"dg=="}]}}`},
	} {
		if got := ask(t, h, c.method, c.target, c.body); got != c.want {
			t.Errorf("%s %s %s\nanswered %s\nwant     %s", c.method, c.target, c.body, got, c.want)
		}
	}
}

func TestWhatMakesNoSenseIsRefusedWithAReason(t *testing.T) {
	node := &memory{}
	h := gateway.New(gateway.Config{Node: node, MaxBody: 100})
	for _, c := range []struct{ method, target, body, want string }{
		{"POST", "/", ``, `400 {"error":{"code":"INVALID_ARGUMENT","message":"the body is not what it should be: it is em`},
		{"POST", "/", `{}`, `400 {"error":{"code":"INVALID_ARGUMENT","message":"the body has no record;`},
		{"POST", "/", `{"record":{"vlaue":"aGVsbG8="}}`, `400 `},
		{"POST", "/", `{"record":{"value":"%"}}`, `400 `},
		{"POST", "/", `{"record":{"value":"aGVsbG8="}}{}`, `400 `},
		{"POST", "/", `{"record":{"value":"aGVsbG8="}} x`, `400 `},
		{"POST", "/", `{"record":{"value":"aGVsb`, `400 `},
		{"POST", "/", `{"record":{"value":"` + strings.Repeat("A", 100) + `"}}`, `413 {"error":{"code":"TOO_LARGE"`},
		{"POST", "/", `{"record":{"value":""}}` + strings.Repeat(" ", 100), `413 `},
		{"GET", "/", `{"offset":-1}`, `400 `},
		{"GET", "/", `{"offset":18446744073709551616}`, `400 `},
		{"GET", "/?offset=x", ``, `400 {"error":{"code":"INVALID_ARGUMENT","message":"the offset \"x\" in the query`},
		{"GET", "/", `{"offset":3}`, `404 {"error":{"code":"OFFSET_OUT_OF_RANGE","message":"commitlog: offset out of range: 3`},
		{"GET", "/other", ``, `404 {"error":{"code":"NOT_FOUND"`},
		{"DELETE", "/", ``, `405 `},
	} {
		if got := ask(t, h, c.method, c.target, c.body); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s %s %s\nanswered       %s\nwant it to begin %s", c.method, c.target, c.body, got, c.want)
		}
	}
	if len(node.records) > 0 {
		t.Errorf("the log has %d records of what was refused", len(node.records))
	}
}

func TestTheLogsErrorsHaveACodeEach(t *testing.T) {
	for want, err := range map[string]error{
		`503 {"error":{"code":"NOT_LEADER","message":"commitlog: this node does not lead; n1 at a:1 does",` +
			`"details":{"leader_addr":"a:1","leader_gen":"2","leader_id":"n1","leader_term":"3"}}}`: commitlog.NotLeader{
			Leader: commitlog.Leader{ID: "n1", Addr: "a:1", Term: 3, Gen: 2}},
		`503 {"error":{"code":"LATCHED"`:            commitlog.Latched{Why: errors.New("EIO")},
		`503 {"error":{"code":"CLOSED"`:             commitlog.ErrClosed,
		`507 {"error":{"code":"FULL"`:               commitlog.Full{Why: errors.New("ENOSPC")},
		`413 {"error":{"code":"TOO_LARGE"`:          commitlog.TooLarge{Bytes: 2, Limit: 1},
		`500 {"error":{"code":"UNCERTAIN"`:          commitlog.Uncertain{Why: context.Canceled},
		`504 {"error":{"code":"DeadlineExceeded"`:   context.DeadlineExceeded,
		`499 {"error":{"code":"Canceled"`:           context.Canceled,
		`500 {"error":{"code":"Internal","message"`: errors.New("odd"),
	} {
		h := gateway.New(gateway.Config{Node: &memory{fails: err}})
		if got := ask(t, h, "POST", "/", `{"record":{"value":""}}`); !strings.HasPrefix(got, want) {
			t.Errorf("%v:\nanswered %s\nwant     %s", err, got, want)
		}
	}
}

func TestWhoMayNotIsTurnedAway(t *testing.T) {
	node := &memory{}
	h := gateway.New(gateway.Config{Node: node, Authorize: func(r *http.Request, action string) error {
		if action == "produce" {
			return errors.New("nobody may not produce")
		}
		return grpcstatus.Error(codes.Unauthenticated, "no certificate")
	}})
	if got := ask(t, h, "POST", "/", `{"record":{"value":""}}`); !strings.HasPrefix(got,
		`403 {"error":{"code":"PermissionDenied","message":"nobody may not produce"`) || len(node.records) > 0 {
		t.Errorf("POST: %s; the log has %d records", got, len(node.records))
	}
	if got := ask(t, h, "GET", "/?offset=0", ``); !strings.HasPrefix(got, `401 {"error":{"code":"Unauthenticated"`) {
		t.Errorf("GET: %s", got)
	}
}

func TestAPageFromElsewhereDoesNotWrite(t *testing.T) {
	node := &memory{}
	r := httptest.NewRequest("POST", "http://127.0.0.1:8080/", strings.NewReader(`{"record":{"value":""}}`))
	r.Header.Set("Origin", "https://example.org")
	w := httptest.NewRecorder()
	gateway.New(gateway.Config{Node: node}).ServeHTTP(w, r)
	if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "CROSS_ORIGIN") || len(node.records) > 0 {
		t.Errorf("answered %d %s; the log has %d records", w.Code, w.Body, len(node.records))
	}
}

func FuzzRequests(f *testing.F) {
	for _, body := range []string{
		`{"record":{"value":"aGVsbG8="}}`, `{"offset":0}`, `{"record":null}`, `[]`, `{"record":{"headers":[{}]}}`, "\xff",
	} {
		f.Add(body, "0")
	}
	f.Fuzz(func(t *testing.T, body, query string) {
		h := gateway.New(gateway.Config{Node: &memory{}, MaxBody: 1 << 10})
		for _, method := range []string{"POST", "GET"} {
			r := httptest.NewRequest(method, "/", strings.NewReader(body))
			if method == "GET" && query != "" {
				r.URL.RawQuery = "offset=" + query
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if !json.Valid(w.Body.Bytes()) || w.Code >= 500 {
				t.Fatalf("%s %q ?%s: %d %q", method, body, query, w.Code, w.Body)
			}
		}
	})
}
