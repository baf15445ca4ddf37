// The frames: what is written is read, and nothing else is.

package loopback_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/clustertest/internal/loopback"
)

var frames = []string{
	`{}`,
	`{"Op":"dial","Host":"app","Key":"secret","Network":"tcp","Address":"api:80"}`,
	`{"Op":"accept","Host":"app","Key":"k","Network":"tcp4","Local":"10.0.0.1:80","Remote":"10.0.0.2:32768"}`,
	`{"Op":"open","Seq":7,"Network":"udp","Address":":53","Real":"127.0.0.1:40000"}`,
	`{"Op":"answer","Failure":{"Addr":"10.0.0.1:80","Call":"connect","Errno":"ECONNREFUSED"}}`,
}

func TestAFrameIsReadAndWhatIsBehindItStays(t *testing.T) {
	for _, text := range frames {
		b, ok := loopback.Frame(text)
		if !ok {
			t.Fatalf("%s makes no frame", text)
		}
		got, left, err := loopback.ReadFrame(append(b, "data"...))
		if got != text || left != 4 || err != nil {
			t.Errorf("got %s, %d bytes left, %v; want %s, 4", got, left, err, text)
		}
	}
}

func TestWhatIsNoFrameIsRefusedEarly(t *testing.T) {
	for name, bad := range map[string]string{
		"HTTP":         "GET / HTTP/1.1\r\n\r\n",
		"an end":       "\x1f\x00",
		"a short text": "\x1f\x00\x09{}",
		"no JSON":      "\x1f\x00\x02{[",
		"a long text":  "\x1f\xff\xff" + strings.Repeat(" ", 1<<16),
	} {
		if text, left, err := loopback.ReadFrame([]byte(bad)); err == nil {
			t.Errorf("%s was read as %s", name, text)
		} else if name == "a long text" && left < 1<<16-loopback.MaxFrame {
			t.Errorf("%s: read on to %d bytes left", name, left)
		}
	}
	if _, ok := loopback.Frame(`{"Name":"` + strings.Repeat("x", loopback.MaxFrame) + `"}`); ok {
		t.Error("a message that nobody would read was written")
	}
}

func FuzzFrame(f *testing.F) {
	for _, text := range frames {
		b, _ := loopback.Frame(text)
		f.Add(b)
	}
	f.Add([]byte("\x1f\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		text, left, err := loopback.ReadFrame(b)
		if err != nil {
			return
		}
		if len(b)-left > 3+loopback.MaxFrame {
			t.Fatalf("%d bytes were read", len(b)-left)
		}
		again, ok := loopback.Frame(text)
		if !ok {
			return // escaping can make a text longer than it came
		}
		if same, _, err := loopback.ReadFrame(again); err != nil || same != text {
			t.Fatalf("%s came back as %s, %v", text, same, err)
		}
	})
}

func FuzzGram(f *testing.F) {
	f.Add([]byte("\x01\x0a\x00\x00\x02\x00\x35hello"))
	f.Add([]byte("\x02\x0a\x00\x00\x02\x00\x35"))
	f.Add([]byte("\x03"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if again, ok := loopback.ParseGram(b); ok && !bytes.Equal(again, b) {
			t.Fatalf("%q came back as %q", b, again)
		}
	})
}
