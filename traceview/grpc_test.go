// Tests in a browser: what a recording of gRPC looks like.

package traceview_test

import (
	"testing"

	"github.com/rehearse-go/rehearse/journal"
)

func TestCallsAreArrowsFromClientToServerAndBack(t *testing.T) {
	b := startBrowser(t)
	s := new(story)
	event := func(kind journal.Kind, where, peer, body string, notes ...journal.Note) {
		e := journal.Event{Kind: kind, Where: where, Peer: peer, Subject: "call 1 pay.v1.Pay/Get", Notes: notes}
		if body != "" {
			e.Body = []byte(body)
		}
		s.tell(e)
	}
	event("grpc.call", "client", "server", "")
	event("grpc.send", "client", "server", `{"account": "42"}`)
	event("grpc.close", "client", "server", "")
	event("grpc.recv", "server", "client", `{"state": "paid"}`)
	event("grpc.miss", "client", "server", "", journal.Note{Key: "why", Value: "no recorded call fits"})
	event("grpc.end", "server", "client", "", journal.Note{Key: "code", Value: "OK"})

	b.open(page(t, &s.Journal))
	if n := b.told("drawnArrows"); n != 5 {
		t.Errorf("%v arrows are drawn for a call, a request, a half-close, an answer and an end", n)
	}
	b.press("]")
	if got, want := b.text("#panel h2"), "grpc.missevent 5"; got != want {
		t.Errorf("the first problem is %q, want %q", got, want)
	}
	b.content()
}
