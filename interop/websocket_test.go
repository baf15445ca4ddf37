// Two websocket libraries: an hour of conversation, and a peer that falls silent.

package interop_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	coder "github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"

	"github.com/rehearse-go/rehearse/vnettest"
)

// serveHTTP serves h on the host api.
func serveHTTP(t *vnettest.T, h http.HandlerFunc) {
	t.Helper()
	l, err := t.Host("api").Listen(t.Context(), "tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: h}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
}

// echoGorilla gives back every message.
func echoGorilla(w http.ResponseWriter, r *http.Request) {
	c, err := new(gorilla.Upgrader).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer c.Close()
	for {
		kind, b, err := c.ReadMessage()
		if err != nil || c.WriteMessage(kind, b) != nil {
			return
		}
	}
}

func dialGorilla(t *vnettest.T) *gorilla.Conn {
	t.Helper()
	d := gorilla.Dialer{NetDialContext: t.Host("app").Dial}
	c, _, err := d.DialContext(t.Context(), "ws://api/", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestGorillaWebsocketTalksForAnHour(t *testing.T) {
	vnettest.Run(t, vnettest.Config{Net: lan}, func(t *vnettest.T) {
		serveHTTP(t, echoGorilla)
		c := dialGorilla(t)
		for range 60 {
			time.Sleep(time.Minute) // virtual
			if err := c.WriteMessage(gorilla.TextMessage, []byte("tick")); err != nil {
				t.Fatal(err)
			}
			if _, b, err := c.ReadMessage(); string(b) != "tick" || err != nil {
				t.Fatalf("%q, %v", b, err)
			}
		}
		bye := gorilla.FormatCloseMessage(gorilla.CloseNormalClosure, "bye")
		if err := c.WriteMessage(gorilla.CloseMessage, bye); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.ReadMessage(); !gorilla.IsCloseError(err, gorilla.CloseNormalClosure) {
			t.Errorf("at the end: %v", err)
		}
	})
}

func TestGorillaWebsocketNoticesSilence(t *testing.T) {
	vnettest.Run(t, vnettest.Config{Net: lan}, func(t *vnettest.T) {
		serveHTTP(t, echoGorilla)
		c := dialGorilla(t)
		alive := func(string) error { return c.SetReadDeadline(time.Now().Add(time.Minute)) }
		alive("")
		c.SetPongHandler(alive)
		stop := ping(c, 20*time.Second)
		defer stop()
		time.AfterFunc(10*time.Minute, func() { t.Part("api") })
		start := time.Now()
		_, _, err := c.ReadMessage()
		took := time.Since(start)
		if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() ||
			took < 10*time.Minute || took > 11*time.Minute {
			t.Errorf("%v after %v; want a timeout within the minute after the partition", err, took)
		}
	})
}

// ping pings until it is stopped.
func ping(c *gorilla.Conn, every time.Duration) (stop func()) {
	tick, done := time.NewTicker(every), make(chan bool)
	go func() {
		for {
			select {
			case <-tick.C:
				c.WriteControl(gorilla.PingMessage, nil, time.Now().Add(every))
			case <-done:
				return
			}
		}
	}()
	return func() {
		tick.Stop()
		close(done)
	}
}

// echoCoder gives back every message.
func echoCoder(w http.ResponseWriter, r *http.Request) {
	c, err := coder.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer c.CloseNow()
	for {
		kind, b, err := c.Read(r.Context())
		if err != nil || c.Write(r.Context(), kind, b) != nil {
			return
		}
	}
}

func TestCoderWebsocketTalksForAnHour(t *testing.T) {
	vnettest.Run(t, vnettest.Config{Net: lan}, func(t *vnettest.T) {
		serveHTTP(t, echoCoder)
		client := &http.Client{Transport: &http.Transport{DialContext: t.Host("app").Dial}}
		c, _, err := coder.Dial(t.Context(), "ws://api/", &coder.DialOptions{HTTPClient: client})
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseNow()
		for range 60 {
			time.Sleep(time.Minute) // virtual
			if err := c.Write(t.Context(), coder.MessageText, []byte("tick")); err != nil {
				t.Fatal(err)
			}
			if _, b, err := c.Read(t.Context()); string(b) != "tick" || err != nil {
				t.Fatalf("%q, %v", b, err)
			}
		}
		if err := c.Close(coder.StatusNormalClosure, "bye"); err != nil {
			t.Errorf("at the end: %v", err)
		}
	})
}

func TestCoderWebsocketNoticesSilence(t *testing.T) {
	vnettest.Run(t, vnettest.Config{Net: lan}, func(t *vnettest.T) {
		serveHTTP(t, echoCoder)
		client := &http.Client{Transport: &http.Transport{DialContext: t.Host("app").Dial}}
		c, _, err := coder.Dial(t.Context(), "ws://api/", &coder.DialOptions{HTTPClient: client})
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseNow()
		c.CloseRead(t.Context()) // reads pongs
		if err := c.Ping(t.Context()); err != nil {
			t.Errorf("while the link is whole: %v", err)
		}
		defer t.Part("api")()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		start := time.Now()
		if err := c.Ping(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 30*time.Second {
			t.Errorf("in a partition: %v after %v", err, time.Since(start))
		}
	})
}
