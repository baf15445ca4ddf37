// What a test leaves open ends with it, however the test ends.

package vnettest_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rehearse-go/rehearse/vnet"
	"github.com/rehearse-go/rehearse/vnettest"
)

// endings are programs that are still busy when their test ends, and how the
// test ends. fails is what its output then says, or "" when it passes.
var endings = []struct {
	name, fails string
	f           func(*vnettest.T)
}{
	{"a server serves", "", func(t *vnettest.T) {
		serveHTTP(t, "api", &http.Server{Handler: answering("hello")})
		fetchURL(t, clientOn(t, "app"), "http://api/")
	}},
	{"a request is under way", "", func(t *vnettest.T) { leaveWaiting(t) }},
	{"a held request never arrives", "", func(t *vnettest.T) {
		t.Hold()
		serveHTTP(t, "api", &http.Server{Handler: answering("hello")})
		go getURL(context.Background(), clientOn(t, "app"), "http://api/")
		t.Step()
	}},
	{"a dial was lost", "", func(t *vnettest.T) {
		silenceLink(t, "app", "api")
		go t.Host("app").Dial(context.Background(), "tcp", "api:80")
		synctest.Wait()
	}},
	{"a dial is on its way", "", func(t *vnettest.T) {
		t.Link("app", "api").Set(vnet.LinkConfig{Latency: time.Minute})
		go t.Host("app").Dial(context.Background(), "tcp", "api:80")
		synctest.Wait()
	}},
	{"the answer to a dial is on its way", "", func(t *vnettest.T) {
		t.Link("api", "app").Set(vnet.LinkConfig{Latency: time.Minute})
		go t.Host("app").Dial(context.Background(), "tcp", "api:80")
		synctest.Wait()
	}},
	{"a dial finds the backlog full", "", func(t *vnettest.T) {
		if _, err := t.Host("api").Listen(t.Context(), "tcp", ":80"); err != nil {
			t.Fatal(err)
		}
		for range 200 {
			go t.Host("app").Dial(context.Background(), "tcp", "api:80")
		}
		synctest.Wait()
	}},
	{"everybody reads and nobody writes", "", func(t *vnettest.T) {
		server, client := certify(t, "api")
		echoTLS(t, "api", server)
		c, err := dialTLS(t, "app", "api:443", client)
		if err != nil {
			t.Fatal(err)
		}
		go io.Copy(io.Discard, c)
		p, err := t.Host("app").ListenPacket(t.Context(), "udp", ":53")
		if err != nil {
			t.Fatal(err)
		}
		go p.ReadFrom(make([]byte, 100))
		synctest.Wait()
	}},
	{"a link delivers later", "", func(t *vnettest.T) {
		serveHTTP(t, "api", &http.Server{Handler: answering("hello")})
		fetchURL(t, clientOn(t, "app"), "http://api/")
		c, err := t.Host("app").Dial(t.Context(), "tcp", "api:80")
		if err != nil {
			t.Fatal(err)
		}
		t.Link("app", "api").Set(vnet.LinkConfig{Latency: time.Hour})
		io.WriteString(c, "GET / HTTP/1.1\r\n\r\n")
		go io.ReadAll(c)
		synctest.Wait()
	}},
	{"it is fatal with a server serving", "it came to this", func(t *vnettest.T) {
		serveHTTP(t, "api", &http.Server{Handler: answering("hello")})
		fetchURL(t, clientOn(t, "app"), "http://api/")
		t.Fatal("it came to this")
	}},
	{"it is fatal with a request under way", "it came to this", func(t *vnettest.T) {
		leaveWaiting(t)
		t.Fatal("it came to this")
	}},
	{"it is fatal while the network is held", "it came to this", func(t *vnettest.T) {
		t.Hold()
		serveHTTP(t, "api", &http.Server{Handler: answering("hello")})
		go getURL(context.Background(), clientOn(t, "app"), "http://api/")
		t.Step()
		t.Fatal("it came to this")
	}},
}

// leaveWaiting returns while a client waits for a handler, which waits for its
// client to go.
func leaveWaiting(t *vnettest.T) {
	arrived := make(chan bool)
	serveHTTP(t, "api", &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	})})
	go getURL(context.Background(), clientOn(t, "app"), "http://api/")
	<-arrived
}

// TestWhatATestLeavesOpenEndsWithIt plays all endings in a process of its own,
// one after the other, and looks at what that says: a test that is meant to
// fail is seen from outside, and it must not take those after it along.
func TestWhatATestLeavesOpenEndsWithIt(t *testing.T) {
	const inside = "REHEARSE_TEST_ENDINGS"
	if os.Getenv(inside) != "" {
		for _, e := range endings {
			t.Run(e.name, func(t *testing.T) { vnettest.Run(t, vnettest.Config{}, e.f) })
		}
		return
	}
	pattern := "^" + t.Name() + "$"
	run := exec.CommandContext(t.Context(), os.Args[0], "-test.run", pattern, "-test.v", "-test.timeout", "60s")
	run.Env = append(os.Environ(), inside+"=1", "REHEARSE_ARTIFACTS="+t.TempDir())
	out, _ := run.CombinedOutput()
	for _, e := range endings {
		t.Run(e.name, func(t *testing.T) {
			verdict := "--- PASS: "
			if e.fails != "" {
				verdict = "--- FAIL: "
			}
			_, told, _ := strings.Cut(string(out), "=== RUN   "+t.Name()+"\n")
			told, _, _ = strings.Cut(told, "=== RUN ")
			if !strings.Contains(string(out), verdict+t.Name()+" ") || !strings.Contains(told, e.fails) {
				t.Errorf("want %s%s, with %q; all it said was\n%s", verdict, t.Name(), e.fails, out)
			}
		})
	}
}
