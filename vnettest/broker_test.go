// The story that began it: an HTTP broker fed byte by byte, in two tellings.

package vnettest_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/vnet"
	"github.com/rehearse-go/rehearse/vnettest"
)

// A server reads requests off its connections and answers them.
type server func(net.Conn)

// servers are three ways to read HTTP: line by line, by whatever chunk comes,
// and the standard library's.
var servers = map[string]func(t *vnettest.T, l net.Listener){
	"lines":  func(t *vnettest.T, l net.Listener) { serve(l, answerLines) },
	"chunks": func(t *vnettest.T, l net.Listener) { serve(l, answerChunks) },
	"net/http": func(t *vnettest.T, l net.Listener) {
		s := &http.Server{Handler: http.HandlerFunc(answerHTTP)}
		t.Cleanup(func() { s.Close() })
		go s.Serve(l)
	},
}

func serve(l net.Listener, answer server) {
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				answer(c)
			}()
		}
	}()
}

// answerLines reads with a line reader.
func answerLines(c net.Conn) {
	r := bufio.NewReader(c)
	for first := ""; ; {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		switch line = strings.TrimRight(line, "\r\n"); {
		case first == "":
			first = line
		case line == "":
			reply(c, first)
			return
		}
	}
}

// answerChunks parses whatever each Read brings.
func answerChunks(c net.Conn) {
	var got []byte
	buf := make([]byte, 4096)
	for !bytes.Contains(got, []byte("\r\n\r\n")) {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		got = append(got, buf[:n]...)
	}
	first, _, _ := strings.Cut(string(got), "\r\n")
	reply(c, first)
}

func reply(c net.Conn, first string) {
	if strings.HasPrefix(first, "GET / ") {
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
		return
	}
	fmt.Fprintf(c, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

func answerHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header()["Date"] = nil
	w.Header().Set("Connection", "close")
	if r.URL.Path != "/" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	io.WriteString(w, "hello")
}

// broker runs f once for every way to read HTTP.
func broker(t *testing.T, f func(t *vnettest.T)) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
				l, err := t.Host("api").Listen(t.Context(), "tcp", ":80")
				if err != nil {
					t.Fatal(err)
				}
				start(t, l)
				f(t)
			})
		})
	}
}

const getRequest = "GET / HTTP/1.1\r\nHost: api\r\n\r\n"

func TestABrokerAnswersThroughAPeer(t *testing.T) {
	broker(t, func(t *vnettest.T) {
		p := t.Pend("app", "api:80") // in the backlog: nothing happens yet
		t.Listener("api:80").AcceptOne()
		p.Remote().SetReadPolicy(vnet.AtMost(1)) // a reader of single bytes

		p.Send("GET / HTTP/1.1\r") // the cut falls between CR and LF
		p.ExpectNothing()
		p.Send("\nHost: api\r\n\r\n")
		p.ExpectLine("HTTP/1.1 200 OK")
		p.ExpectMatch(`(?s).*?\r\n\r\nhello`)
		p.ExpectEOF()
	})
}

func TestABrokerAnswersWhereverItsRequestIsCut(t *testing.T) {
	broker(t, func(t *vnettest.T) {
		for cut := 1; cut < len(getRequest); cut++ {
			p := t.Dial("app", "api:80")
			p.Send(getRequest[:cut])
			p.ExpectNothing()
			p.Send(getRequest[cut:])
			p.ExpectLine("HTTP/1.1 200 OK")
			p.ExpectMatch(`(?s).*?\r\n\r\nhello`)
			p.ExpectEOF()
		}
	})
}

func TestABrokerAnswersUnderEveryReadPolicy(t *testing.T) {
	policies := []vnet.ReadPolicy{
		{}, vnet.AtMost(1), vnet.AtMost(7), vnet.Exactly(1), vnet.Exactly(4), vnet.Exactly(len(getRequest)),
		vnet.AtLeast(5), vnet.AtLeast(len(getRequest)),
	}
	broker(t, func(t *vnettest.T) {
		for _, policy := range policies {
			p := t.Dial("app", "api:80")
			p.Remote().SetReadPolicy(policy)
			p.Send(getRequest)
			p.CloseWrite() // a short tail passes at the end
			p.ExpectLine("HTTP/1.1 200 OK")
			p.ExpectMatch(`(?s).*?\r\n\r\nhello`)
			p.ExpectEOF()
		}
	})
}

func TestASecondConnectionCanBeAcceptedFirst(t *testing.T) {
	broker(t, func(t *vnettest.T) {
		first, second := t.Pend("app", "api:80"), t.Pend("app", "api:80")
		if !t.Listener("api:80").Accept(second.End().Conn()) {
			t.Fatal("the second connection was not pending")
		}
		first.Send(getRequest)
		first.ExpectNothing()
		second.Send(getRequest)
		second.ExpectLine("HTTP/1.1 200 OK")
		t.AcceptOne()
		first.ExpectLine("HTTP/1.1 200 OK")
	})
}

func TestABrokerSurvivesAResetInMidRequest(t *testing.T) {
	broker(t, func(t *vnettest.T) {
		p := t.Dial("app", "api:80")
		p.Send(getRequest[:10])
		p.Reset()
		p = t.Dial("app", "api:80")
		p.Send(getRequest)
		p.ExpectLine("HTTP/1.1 200 OK")
	})
}

func TestAServerThatNeverAcceptsLeavesTheRequestInItsBuffer(t *testing.T) {
	broker(t, func(t *vnettest.T) {
		p := t.Pend("app", "api:80")
		p.Send(getRequest)
		p.ExpectNothing()
		if got := string(p.Remote().Unread()); got != getRequest {
			t.Errorf("unread is %q, want the request", got)
		}
	})
}

func TestAServerThatStoppedReadingAnswersNothing(t *testing.T) {
	broker(t, func(t *vnettest.T) {
		p := t.Dial("app", "api:80")
		p.Remote().Pause()
		p.Send(getRequest)
		p.ExpectNothing()
		if !p.Remote().StoppedReading() || string(p.Remote().Unread()) != getRequest {
			t.Errorf("stopped reading: %v, unread %q", p.Remote().StoppedReading(), p.Remote().Unread())
		}
		p.Remote().Resume()
		p.ExpectLine("HTTP/1.1 200 OK")
	})
}

func TestABrokerAnswersAScript(t *testing.T) {
	for name, script := range map[string]string{
		"in one piece": `
			dial p app api:80
			p > "GET / HTTP/1.1\r\nHost: api\r\n\r\n"
			p line "HTTP/1.1 200 OK"
			p match (?s).*?\r\n\r\nhello
			p eof`,
		"in single bytes": `
			pend p app api:80
			accept
			p policy atmost 1
			p > "GET / HTTP/1.1\r\nHost: api\r\n\r\n"
			p line "HTTP/1.1 200 OK"`,
		"cut between CR and LF": `
			dial p app api:80
			p > "GET / HTTP/1.1\r"
			p nothing
			p > "\nHost: api\r\n\r\n"
			p line "HTTP/1.1 200 OK"`,
		"another path": `
			dial p app api:80
			p > "GET /nowhere HTTP/1.1\r\nHost: api\r\n\r\n"
			p line "HTTP/1.1 404 Not Found"
			p match (?s).*?\r\n\r\n
			p eof`,
		"closed": `
			dial p app api:80
			p > "GET / HT"
			p nothing
			p closewrite
			p match (?s)(HTTP/1.1 400 .*)?
			p eof`,
		"two, the second first": `
			pend p app api:80
			pend q app api:80
			p > "GET / HTTP/1.1\r\nHost: api\r\n\r\n"
			q > "GET / HTTP/1.1\r\nHost: api\r\n\r\n"
			accept q
			p nothing
			q line "HTTP/1.1 200 OK"
			accept
			p line "HTTP/1.1 200 OK"`,
	} {
		t.Run(name, func(t *testing.T) {
			broker(t, func(t *vnettest.T) { vnettest.Play(t, script) })
		})
	}
}
