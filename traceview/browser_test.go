// A browser for tests: Chromium, spoken to through a pair of pipes.

package traceview_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"
)

// A browser is a running Chromium with one page.
type browser struct {
	t       *testing.T
	out     *bufio.Reader
	in      io.Writer
	session string
	id      int
	said    []string // what the browser logged: errors and refusals
}

// chromium returns the browser's path, or skips.
func chromium(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("REHEARSE_CHROMIUM"); path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("REHEARSE_CHROMIUM is unset and no chromium is in PATH")
	return ""
}

// startBrowser starts a browser that ends with the test, or after two minutes.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	profile, err := os.MkdirTemp("", "rehearse-browser-")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, chromium(t),
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
		"--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe",
		"--user-data-dir="+profile, "--window-size=1500,950", "about:blank")
	theirIn, in := pipe(t)
	out, theirOut := pipe(t)
	cmd.ExtraFiles = []*os.File{theirIn, theirOut}
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirIn.Close()
	theirOut.Close()
	b := &browser{t: t, out: bufio.NewReaderSize(out, 1<<16), in: in}
	t.Cleanup(func() {
		b.call("Browser.close", nil, nil)
		_ = cmd.Wait()
		cancel()
		in.Close()
		out.Close()
		_ = os.RemoveAll(profile) // a child of the browser's may still hold it
	})
	var target struct{ TargetID, SessionID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &target)
	b.session = target.SessionID
	for _, domain := range []string{"Page.enable", "Runtime.enable", "Log.enable"} {
		b.call(domain, nil, nil)
	}
	return b
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

// A message is an answer or an event of the browser's.
type message struct {
	ID     int
	Method string
	Params json.RawMessage
	Result json.RawMessage
	Error  json.RawMessage
}

// call asks the browser for something and stores its answer in result.
func (b *browser) call(method string, params map[string]any, result any) {
	b.t.Helper()
	b.id++
	ask := map[string]any{"id": b.id, "method": method}
	if params != nil {
		ask["params"] = params
	}
	if b.session != "" && method != "Browser.close" {
		ask["sessionId"] = b.session
	}
	text, err := json.Marshal(ask)
	if err == nil {
		_, err = b.in.Write(append(text, 0))
	}
	if err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	id := b.id
	m := b.await(func(m message) bool { return m.ID == id })
	if m.Error != nil {
		b.t.Fatalf("%s: %s", method, m.Error)
	}
	if result != nil {
		if err := json.Unmarshal(m.Result, result); err != nil {
			b.t.Fatalf("%s: %v in %s", method, err, m.Result)
		}
	}
}

// await reads what the browser says until it is what is wanted.
func (b *browser) await(wanted func(message) bool) message {
	b.t.Helper()
	for {
		text, err := b.out.ReadBytes(0)
		if err != nil {
			b.t.Fatalf("the browser is gone: %v", err)
		}
		var m message
		if err := json.Unmarshal(bytes.TrimSuffix(text, []byte{0}), &m); err != nil {
			b.t.Fatalf("%v in %.200s", err, text)
		}
		if m.Method == "Runtime.exceptionThrown" || m.Method == "Log.entryAdded" {
			b.said = append(b.said, string(m.Params))
		}
		if wanted(m) {
			return m
		}
	}
}

// open loads an address anew and waits until the page is drawn.
func (b *browser) open(address string) {
	b.t.Helper()
	b.load("about:blank")
	b.load(address)
	b.eval(`opened.then(() => "")`)
}

func (b *browser) load(address string) {
	b.t.Helper()
	b.call("Page.navigate", map[string]any{"url": address}, nil)
	b.await(func(m message) bool { return m.Method == "Page.loadEventFired" })
}

// eval runs an expression in the page and returns the text it is, or will be.
func (b *browser) eval(expression string) string {
	b.t.Helper()
	var r struct {
		Result           struct{ Value any }
		ExceptionDetails json.RawMessage
	}
	b.call("Runtime.evaluate", map[string]any{
		"expression": expression, "awaitPromise": true, "returnByValue": true,
	}, &r)
	if r.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, r.ExceptionDetails)
	}
	s, _ := r.Result.Value.(string)
	return s
}

// press sends a key to the page and waits until it has been drawn.
func (b *browser) press(keys ...string) {
	b.t.Helper()
	for _, key := range keys {
		b.call("Input.dispatchKeyEvent", map[string]any{"type": "keyDown", "key": key}, nil)
		b.call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key}, nil)
	}
	b.eval(`new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(() => drawn(""))))`)
}

// text returns the text of the first element that a selector finds.
func (b *browser) text(selector string) string {
	b.t.Helper()
	name, err := json.Marshal(selector)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.eval(`document.querySelector(` + string(name) + `)?.textContent ?? "nothing"`)
}
