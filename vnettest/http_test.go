// Unmodified net/http servers and clients on the virtual network, in virtual time.

package vnettest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/vnettest"
)

// serveHTTP lets s serve on the named host's port 80 until it is shut down or
// the network ends, and then expects Serve to say why.
func serveHTTP(t *vnettest.T, host string, s *http.Server) {
	t.Helper()
	l, err := t.Host(host).Listen(t.Context(), "tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		if err := s.Serve(l); err == nil {
			t.Errorf("the server on %s ended without saying why", host)
		}
	}()
}

// clientOn is an HTTP client on the named host.
func clientOn(t *vnettest.T, host string) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: t.Host(host).Dial}}
}

// fetchURL returns the body of url, and fails the test when there is none.
func fetchURL(t *vnettest.T, c *http.Client, url string) string {
	t.Helper()
	got, err := getURL(t.Context(), c, url)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func getURL(ctx context.Context, c *http.Client, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return "", err
	}
	resp, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// answering is a handler that says always the same.
func answering(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) })
}

// answeringAfter is a handler that takes its time.
func answeringAfter(d time.Duration, text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(d) // virtual
		io.WriteString(w, text)
	})
}

// countKind returns how many events of a kind the journal holds.
func countKind(j *journal.Journal, kind journal.Kind) (n int) {
	for range journal.Select(j.Events(0), func(e journal.Event) bool { return e.Kind == kind }) {
		n++
	}
	return n
}

func TestAnHTTPClientKeepsItsConnectionAcrossRequestsAndHours(t *testing.T) {
	vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
		serveHTTP(t, "api", &http.Server{Handler: answering("hello")})
		c := clientOn(t, "app")
		for i := range 5 {
			var info httptrace.GotConnInfo
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
				GotConn: func(g httptrace.GotConnInfo) { info = g },
			})
			got, err := getURL(ctx, c, "http://api/")
			if err != nil || got != "hello" {
				t.Fatalf("request %d: %q, %v", i, got, err)
			}
			if info.Reused != (i > 0) {
				t.Errorf("request %d: connection reused: %v", i, info.Reused)
			}
			time.Sleep(time.Hour) // virtual
		}
		if n := countKind(t.Journal, "net.connect"); n != 1 {
			t.Errorf("%d connections for 5 requests, want 1", n)
		}
	})
}

func TestAnIdleHTTPConnectionIsGivenUpAfterItsTimeout(t *testing.T) {
	const idle = 90 * time.Second
	for _, c := range []struct {
		name           string
		server, client time.Duration
	}{
		{"by the server", idle, 0},
		{"by the client", 0, idle},
	} {
		t.Run(c.name, func(t *testing.T) {
			vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
				serveHTTP(t, "api", &http.Server{Handler: answering("hello"), IdleTimeout: c.server})
				client := clientOn(t, "app")
				client.Transport.(*http.Transport).IdleConnTimeout = c.client
				fetchURL(t, client, "http://api/")
				time.Sleep(idle - time.Second) // virtual
				fetchURL(t, client, "http://api/")
				if n := countKind(t.Journal, "net.connect"); n != 1 {
					t.Errorf("%d connections before the timeout, want 1", n)
				}
				time.Sleep(idle + time.Second) // virtual
				fetchURL(t, client, "http://api/")
				if n := countKind(t.Journal, "net.connect"); n != 2 {
					t.Errorf("%d connections after the timeout, want 2", n)
				}
			})
		})
	}
}

func TestAnHTTPServerDropsAClientThatIsSlowWithItsHeader(t *testing.T) {
	vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
		serveHTTP(t, "api", &http.Server{Handler: answering("hello"), ReadHeaderTimeout: 5 * time.Second})
		c, err := t.Host("app").Dial(t.Context(), "tcp", "api:80")
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: ap")
		got, err := io.ReadAll(c)
		if len(got) > 0 || err != nil || time.Since(start) != 5*time.Second {
			t.Errorf("read %q, %v after %v; want the end after 5s", got, err, time.Since(start))
		}
	})
}

func TestAnHTTPClientGivesUpAfterItsTimeout(t *testing.T) {
	for _, c := range []struct {
		name    string
		before  func(*vnettest.T)
		handler http.Handler
	}{
		{"when the handler is slow", func(*vnettest.T) {}, answeringAfter(time.Hour, "late")},
		{"when the host is not there", func(t *vnettest.T) { silenceLink(t, "app", "api") }, answering("hello")},
		{"when the answer is lost", func(t *vnettest.T) { silenceLink(t, "api", "app") }, answering("hello")},
	} {
		t.Run(c.name, func(t *testing.T) {
			vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
				serveHTTP(t, "api", &http.Server{Handler: c.handler})
				c.before(t)
				client := clientOn(t, "app")
				client.Timeout = 3 * time.Second
				start := time.Now()
				_, err := getURL(t.Context(), client, "http://api/")
				if !os.IsTimeout(err) || time.Since(start) != 3*time.Second {
					t.Errorf("%v after %v; want a timeout after 3s", err, time.Since(start))
				}
				time.Sleep(time.Hour) // virtual
			})
		})
	}
}

func TestAnHTTPServerCancelsTheHandlerOfAClientThatHasGone(t *testing.T) {
	vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
		gone := make(chan time.Time)
		serveHTTP(t, "api", &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			gone <- time.Now()
		})})
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := getURL(ctx, clientOn(t, "app"), "http://api/"); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if took := (<-gone).Sub(start); took != time.Minute {
			t.Errorf("the handler was told after %v, want 1m", took)
		}
	})
}

func TestAnHTTPServerThatShutsDownFinishesWhatItBegan(t *testing.T) {
	vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
		s := &http.Server{Handler: answeringAfter(10*time.Second, "done")}
		serveHTTP(t, "api", s)
		client := clientOn(t, "app")
		answered := make(chan string)
		go func() {
			got, err := getURL(t.Context(), client, "http://api/")
			answered <- fmt.Sprint(got, " ", err)
		}()
		time.Sleep(time.Second) // virtual

		down := make(chan error)
		go func() { down <- s.Shutdown(t.Context()) }()
		if got := <-answered; got != "done <nil>" {
			t.Errorf("the request that was under way got %q", got)
		}
		if err := <-down; err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if _, err := getURL(t.Context(), client, "http://api/"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("after Shutdown: %v, want refused", err)
		}
	})
}

func TestServerSentEventsArriveWhenTheyAreSent(t *testing.T) {
	vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
		serveHTTP(t, "api", &http.Server{Handler: http.HandlerFunc(everyMinute)})
		req, err := http.NewRequestWithContext(t.Context(), "GET", "http://api/", nil)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		resp, err := clientOn(t, "app").Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		lines := bufio.NewScanner(resp.Body)
		for i := 1; lines.Scan(); i++ {
			want := fmt.Sprintf("data: %d", i)
			if lines.Text() != want || time.Since(start) != time.Duration(i)*time.Minute {
				t.Errorf("%q after %v, want %q after %d minutes", lines.Text(), time.Since(start), want, i)
			}
		}
		if since := time.Since(start); lines.Err() != nil || since != 60*time.Minute {
			t.Errorf("the stream ended with %v after %v, want after an hour", lines.Err(), since)
		}
	})
}

// everyMinute sends a line a minute, for an hour.
func everyMinute(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	flow := http.NewResponseController(w)
	for i := range 60 {
		flow.Flush()
		time.Sleep(time.Minute) // virtual
		fmt.Fprintf(w, "data: %d\n", i+1)
	}
}

// silenceLink makes everything that one host sends to another vanish.
func silenceLink(t *vnettest.T, from, to string) {
	c := t.Link(from, to).Config()
	c.Loss = 1
	t.Link(from, to).Set(c)
}
