// Journals to look at: a small story with everything in it, and a long run.

package traceview_test

import (
	"fmt"
	"time"

	"github.com/rehearse-go/rehearse/journal"
)

// A story builds a journal event by event.
type story struct {
	journal.Journal
	now  time.Duration
	step int
}

// tell appends an event one step and a millisecond after the last.
func (s *story) tell(e journal.Event) int {
	s.step++
	s.now += time.Millisecond
	e.At, e.Step = s.now, s.step
	return s.Append(e)
}

func (s *story) send(conn, from, to, body string) int {
	return s.tell(journal.Event{Kind: "net.send", Where: from, Peer: to, Subject: conn, Body: []byte(body)})
}

// arrive tells that what cause sent came to host at.
func (s *story) arrive(cause int, at, from, conn string, size int) int {
	return s.tell(journal.Event{Kind: "net.deliver", Where: at, Peer: from, Subject: conn, Cause: cause, Size: size})
}

func (s *story) trip(conn, from, to, body string) int {
	return s.arrive(s.send(conn, from, to, body), to, from, conn, len(body))
}

func (s *story) dial(conn, from, to string, kind journal.Kind) int {
	d := s.tell(journal.Event{Kind: "net.dial", Where: from, Peer: to, Subject: conn})
	return s.tell(journal.Event{Kind: kind, Where: to, Peer: from, Subject: conn, Cause: d})
}

func smallStory() *story {
	s := &story{}
	s.SetHeader(journal.Header{
		Seed: 24301, Config: "{Latency:1ms Window:262144}",
		Notes: []journal.Note{
			{Key: "test", Value: "TestRefund"}, {Key: "rerun", Value: "go test -run 'TestRefund$' ./refund"},
		},
	})
	s.tell(journal.Event{Kind: "net.listen", Where: "api", Subject: "api:80"})
	s.tell(journal.Event{Kind: "net.listen", Where: "db", Subject: "db:5432"})
	s.dial("app>api:80#0", "app", "api", "net.connect")
	s.tell(journal.Event{Kind: "net.accept", Where: "api", Peer: "app", Subject: "app>api:80#0"})
	s.trip("app>api:80#0", "app", "api",
		"POST /refund HTTP/1.1\r\nHost: api\r\nContent-Length: 17\r\n\r\n{\"order_id\":\"42\"}")
	s.dial("api>db:5432#0", "api", "db", "net.connect")
	s.trip("api>db:5432#0", "api", "db",
		"\x00\x00\x00\x2e\x00\x03\x00\x00user\x00refund\x00database\x00orders\x00\x00")
	s.trip("api>db:5432#0", "db", "api", "R\x00\x00\x00\x08\x00\x00\x00\x00Z\x00\x00\x00\x05I")
	s.now += 2 * time.Second
	part := s.tell(journal.Event{Kind: "fault.part", Where: "api", Peer: "db", Subject: "part api db",
		Notes: []journal.Note{{Key: "seed", Value: "24301"}}})
	lost := s.send("api>db:5432#0", "api", "db", "UPDATE orders SET state='refunded' WHERE id=42")
	s.tell(journal.Event{Kind: "net.drop", Where: "api", Peer: "db", Subject: "api>db:5432#0",
		Cause: lost, Size: 46, Notes: []journal.Note{{Key: "why", Value: "partition"}}})
	beat := s.tell(journal.Event{Kind: "net.packet", Where: "db", Peer: "app", Subject: "udp db:7946>app:7946",
		Body: []byte("ping 7")})
	s.arrive(beat, "app", "db", "udp db:7946>app:7946", 6)
	s.tell(journal.Event{Kind: "app.log", Where: "api",
		Notes: []journal.Note{{Key: "msg", Value: "db is slow, retrying"}}})
	s.now += 30 * time.Second
	s.dial("app>api:81#0", "app", "api", "net.refused")
	s.tell(journal.Event{Kind: "fault.end", Where: "api", Peer: "db", Subject: "part api db", Cause: part})
	s.trip("api>db:5432#0", "api", "db", "UPDATE orders SET state='refunded' WHERE id=42")
	s.trip("api>db:5432#0", "db", "api", "UPDATE 1")
	s.trip("app>api:80#0", "api", "app", "HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n{\"state\":\"refunded\"}\r\n")
	s.tell(journal.Event{Kind: "fault.rule", Where: "api", Peer: "app", Subject: "app>api:80#0",
		Notes: []journal.Note{{Key: "verdict", Value: "reset"}, {Key: "on", Value: "data"}}})
	rst := s.tell(journal.Event{Kind: "net.rst", Where: "api", Peer: "app", Subject: "app>api:80#0"})
	s.arrive(rst, "app", "api", "app>api:80#0", 0)
	fin := s.tell(journal.Event{Kind: "net.fin", Where: "api", Peer: "db", Subject: "api>db:5432#0"})
	s.arrive(fin, "db", "api", "api>db:5432#0", 0)
	s.trip("loop", "db", "db", "to itself")
	s.send("app>api:80#1", "app", "api", "never arrives")
	s.tell(journal.Event{Kind: "fault.down", Where: "db", Subject: "down db"})
	s.tell(journal.Event{Kind: "net.close", Where: "app", Subject: "app>api:80#0"})
	return s
}

// longStory is a run of about n events between some hosts, with faults.
func longStory(n int) *story {
	s := &story{}
	s.SetHeader(journal.Header{Seed: 7, Notes: []journal.Note{{Key: "test", Value: "TestLongRun"}}})
	hosts := []string{"app", "api", "db", "kafka-1", "kafka-2", "kafka-3"}
	part := 0
	for i := 0; s.Last() < n; i++ {
		from, to := hosts[i%len(hosts)], hosts[(i*7+1)%len(hosts)]
		if from == to {
			to = hosts[(i+1)%len(hosts)]
		}
		conn := fmt.Sprintf("%s>%s:80#%d", from, to, i%3)
		switch body := fmt.Sprintf("request %d from %s: %x", i, from, i*i*2654435761); {
		case i%97 == 0:
			lost := s.send(conn, from, to, body)
			s.tell(journal.Event{Kind: "net.drop", Where: from, Peer: to, Subject: conn, Cause: lost, Size: len(body)})
		case i%1009 == 0 && part == 0:
			part = s.tell(journal.Event{Kind: "fault.part", Where: from, Peer: to})
		case i%1301 == 0 && part != 0:
			s.tell(journal.Event{Kind: "fault.end", Cause: part})
			part = 0
		default:
			a, b := s.send(conn, from, to, body), s.send(conn+" <", to, from, "answer "+body)
			s.arrive(a, to, from, conn, len(body))
			s.arrive(b, from, to, conn+" <", len(body)+7)
		}
	}
	return s
}
