// Tests of rehearse up: what it serves, to whom, and how it ends.

package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const small = "rehearse journal 1\nseed 42\nnote test=<b>TestA</b>\n\n1 1 5ms net.send app api - - 4 \"GET\\n\"\n"

// files makes a directory with these files in it.
func files(t *testing.T, texts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func siteOf(t *testing.T, dir string) http.Handler {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return newSite(root)
}

func get(h http.Handler, method, address string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, address, nil))
	return w
}

func TestTheSiteAnswers(t *testing.T) {
	dir := files(t, map[string]string{
		"a.journal": small, "deep/in/b #1?.journal": small, "bad.journal": "nonsense\n",
		"cut.journal": small + "2 1 5ms", "secret.txt": "secret",
	})
	outside := files(t, map[string]string{"out.journal": small})
	if err := os.Symlink(filepath.Join(outside, "out.journal"), filepath.Join(dir, "link.journal")); err != nil {
		t.Fatal(err)
	}
	h := siteOf(t, dir)
	const here = "http://127.0.0.1:80"
	for _, c := range []struct {
		method, address string
		code            int
		body            string
	}{
		{"GET", here + "/healthz", 200, "ok\n"},
		{"GET", "http://localhost/healthz", 200, "ok\n"},
		{"GET", "http://[::1]:80/healthz", 200, "ok\n"},
		{"GET", "http://rebound.example/healthz", 403, "loopback names only"},
		{"GET", "http://10.0.0.1:80/", 403, "loopback names only"},
		{"POST", here + "/", 405, ""},
		{"GET", here + "/", 200, `<a href="/trace/a.journal">&lt;b&gt;TestA&lt;/b&gt;</a>`},
		{"GET", here + "/", 200, `href="/trace/deep/in/b%20%231%3F.journal"`},
		{"GET", here + "/", 200, `bad.journal:1: not a journal`},
		{"GET", here + "/trace/a.journal", 200, `id="data"`},
		{"GET", here + "/trace/deep/in/b%20%231%3F.journal", 200, `id="data"`},
		{"GET", here + "/trace/cut.journal", 200, `id="data"`},
		{"GET", here + "/trace/bad.journal", 422, "bad.journal:1: not a journal"},
		{"GET", here + "/trace/none.journal", 404, "none.journal"},
		{"GET", here + "/trace/secret.txt", 404, ""},
		{"GET", here + "/trace/link.journal", 403, "link.journal"},
		{"GET", here + "/trace/..%2Fout.journal", 403, ""},
		{"GET", here + "/elsewhere", 404, ""},
	} {
		w := get(h, c.method, c.address)
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.body) {
			t.Errorf("%s %s: %d %.300q, want %d ...%s...", c.method, c.address, w.Code, w.Body, c.code, c.body)
		}
	}
	index := get(h, "GET", here+"/").Body.String()
	for _, name := range []string{"secret", "link.journal"} {
		if strings.Contains(index, name) {
			t.Errorf("the index lists %s: %s", name, index)
		}
	}
}

func TestAnEmptyDirectorySaysSo(t *testing.T) {
	if w := get(siteOf(t, t.TempDir()), "GET", "http://localhost/"); !strings.Contains(w.Body.String(), "None yet") {
		t.Errorf("index: %s", w.Body)
	}
}

func TestUpServesUntilInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan int, 1)
	var said bytes.Buffer
	dir := files(t, map[string]string{"a.journal": small})
	go func() {
		ended <- run(ctx, []string{"up", "--dir", dir}, streams{nil, in, &said})
		in.Close()
	}()
	text := bufio.NewReader(out)
	line, err := text.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, text)
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+/`).FindString(line)
	client := http.Client{Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	for _, path := range []string{"healthz", "", "trace/a.journal"} {
		r, err := client.Get(address + path)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", path, r.Status)
		}
	}
	interrupt()
	if code := <-ended; code != exitDone {
		t.Errorf("exit code %d: %s", code, said.String())
	}
	if _, err := client.Get(address + "healthz"); err == nil {
		t.Error("it still answers")
	}
}

func TestUpRefusesWhatItShouldNotServe(t *testing.T) {
	for _, c := range []struct {
		args []string
		said string
	}{
		{[]string{"--listen", "0.0.0.0:0"}, "only a loopback address"},
		{[]string{"--listen", ":0"}, "only a loopback address"},
		{[]string{"--listen", "127.0.0.1"}, "missing port"},
		{[]string{"--dir", "no/such/dir"}, "no/such/dir: no such file or directory"},
		{[]string{"extra"}, `unknown command "extra"`},
	} {
		t.Setenv("REHEARSE_ARTIFACTS", t.TempDir())
		var out, said bytes.Buffer
		code := run(t.Context(), append([]string{"up"}, c.args...), streams{nil, &out, &said})
		if code != exitUsage || !strings.Contains(said.String(), c.said) || out.Len() > 0 {
			t.Errorf("%v: exit code %d, %q, %q; want ...%s...", c.args, code, out.String(), said.String(), c.said)
		}
	}
}

func TestTheDirectoryIsTheFlagsElseTheEnvironmentsElseTheCaches(t *testing.T) {
	flag, env, cache := t.TempDir(), filepath.Join(t.TempDir(), "new"), t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", cache)
	wantCache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ flag, env, want string }{
		{flag, env, flag}, {"", env, env}, {"", "", filepath.Join(wantCache, "rehearse")},
	} {
		t.Setenv("REHEARSE_ARTIFACTS", c.env)
		root, err := openDir(c.flag)
		if err != nil {
			t.Fatal(err)
		}
		if root.Close(); root.Name() != c.want {
			t.Errorf("flag %q, environment %q: %s, want %s", c.flag, c.env, root.Name(), c.want)
		}
	}
}
