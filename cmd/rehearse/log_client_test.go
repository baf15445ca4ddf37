// Tests of rehearse log's clients, with one node.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// alone starts a node and returns the flags by which it is reached.
func alone(t *testing.T, args ...string) (*nodeProcess, []string) {
	t.Helper()
	p := startNode(t, append([]string{"--bootstrap", "--node-name", "n0", "--data-dir", t.TempDir()}, args...)...)
	return p, []string{"--addrs", p.address()}
}

func TestWhatIsProducedIsConsumedAsItWas(t *testing.T) {
	p, at := alone(t)
	begun := time.Now().Add(-time.Second)
	if out := good(t, "", append([]string{"produce", "plain", "a\tb", "\xff\x00"}, at...)...); out != "0\n1\n2\n" {
		t.Errorf("the offsets are %q", out)
	}
	good(t, "one\r\n\n<&>", append([]string{"produce", "--key", "k", "--header", "a=b=c", "--header", "n="}, at...)...)
	if out := good(t, "", append([]string{"consume"}, at...)...); out != "plain\na\tb\n\xff\x00\none\r\n\n<&>\n" {
		t.Errorf("the values are %q", out)
	}
	consume := append([]string{"consume", "--json", "--from", "2", "--count", "2"}, at...)
	lines := strings.Split(good(t, "", consume...), "\n")
	var first, second shownRecord
	err := errors.Join(json.Unmarshal([]byte(lines[0]), &first), json.Unmarshal([]byte(lines[1]), &second))
	if err != nil {
		t.Fatal(err)
	}
	if first.Offset != 2 || first.Value != nil || !bytes.Equal(first.ValueBase64, []byte("\xff\x00")) {
		t.Errorf("%s", lines[0])
	}
	switch h := second.Headers; {
	case second.Key != "k", *second.Value != "one\r", second.Time.Before(begun), len(h) != 2:
		t.Errorf("%s", lines[1])
	case h[0].Name != "a", *h[0].Value != "b=c", h[1].Name != "n":
		t.Errorf("%s", lines[1])
	}
	p.stop(t)
}

func TestWhereToBeginAndWhereToEnd(t *testing.T) {
	p, at := alone(t, "--canonical-codes")
	good(t, numbers(0, 20), append([]string{"produce"}, at...)...)
	for _, c := range []struct{ args, want string }{
		{"--from 18", numbers(18, 20)},
		{"--from 18 --count 1", numbers(18, 19)},
		{"--from 20", ""},
		{"--count 3", numbers(0, 3)},
		{"--at 1h --count 2", numbers(0, 2)},
		{"--level linearizable --count 2", numbers(0, 2)},
		{"--follow --from 19 --count 1", numbers(19, 20)},
		{"--node n0 --count 1", numbers(0, 1)},
	} {
		if got := good(t, "", append(append([]string{"consume"}, strings.Fields(c.args)...), at...)...); got != c.want {
			t.Errorf("consume %s: %q, want %q", c.args, got, c.want)
		}
	}
	bad(t, exitDifferent, "offset out of range: 99 (the log holds 0 up to, not including, 20)",
		append([]string{"consume", "--from", "99"}, at...)...)
	bad(t, exitDifferent, "offset 99 cannot be read within --timeout 100ms: the log holds 0 up to, not including, 20",
		append([]string{"wait", "--offset", "99", "--timeout", "100ms"}, at...)...)
	bad(t, exitDifferent, "n9", append([]string{"consume", "--node", "n9", "--timeout", "100ms"}, at...)...)
	p.stop(t)
}

func TestAReaderThatFollowsSeesWhatComes(t *testing.T) {
	p, at := alone(t)
	good(t, "before\n", append([]string{"produce"}, at...)...)
	r := startLog(t, append([]string{"consume", "--follow"}, at...)...)
	var got []string
	r.lines(func(line string) bool {
		got = append(got, line)
		if len(got) == 1 {
			good(t, "after\n", append([]string{"produce"}, at...)...)
		}
		return len(got) < 2
	})
	if strings.Join(got, " ") != "before after" {
		t.Errorf("it sees %q", got)
	}
	r.end(t)
	p.stop(t)
}

func TestAnInterruptedProducerHasItsAnswers(t *testing.T) {
	p, at := alone(t)
	ctx, interrupt := context.WithCancel(t.Context())
	in, lines := io.Pipe()
	out, offsets := io.Pipe()
	ended := make(chan int, 1)
	var said bytes.Buffer
	go func() {
		ended <- run(ctx, append([]string{"log", "produce"}, at...), streams{in, offsets, &said})
		offsets.Close()
	}()
	fmt.Fprint(lines, numbers(0, 3))
	var all bytes.Buffer
	one := make([]byte, 1)
	for strings.Count(all.String(), "\n") < 3 {
		if _, err := out.Read(one); err != nil {
			t.Fatal(err)
		}
		all.Write(one)
	}
	interrupt() // while it waits for a line
	if code := <-ended; code != exitDone || all.String() != numbers(0, 3) {
		t.Errorf("exit code %d, offsets %q: %s", code, &all, &said)
	}
	lines.Close()
	p.stop(t)
}

func TestALineThatIsTooLongIsRefusedByNumber(t *testing.T) {
	p, at := alone(t)
	lines := "a\n" + strings.Repeat("b", longestLine+1)
	code, out, said := logCommandLine(t, lines, append([]string{"produce"}, at...)...)
	if code != exitUsage || out != "0\n" || !strings.Contains(said, "line 2 has more than 8388608 bytes") {
		t.Errorf("exit code %d, %q: %s", code, out, said)
	}
	p.stop(t)
}

// A closedWriter is a standard output that nobody reads any more.
type closedWriter struct{}

func (closedWriter) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestAnOutputThatFailsIsTold(t *testing.T) {
	p, at := alone(t)
	good(t, "", append([]string{"produce", "x"}, at...)...)
	for _, command := range []string{"produce", "consume", "watch", "servers", "status"} {
		var said bytes.Buffer
		args := append([]string{"log", command}, at...)
		code := run(t.Context(), args, streams{strings.NewReader("x\n"), closedWriter{}, &said})
		if code != exitUsage || !strings.Contains(said.String(), os.ErrClosed.Error()) {
			t.Errorf("%s: exit code %d: %s", command, code, &said)
		}
	}
	p.stop(t)
}

func TestTheClusterTellsOfItself(t *testing.T) {
	p, at := alone(t, "--gateway-addr", "127.0.0.1:0", "--log-format", "json", "--log-level", "warn")
	good(t, "", append([]string{"produce", "x"}, at...)...)
	for command, want := range map[string]string{
		"servers": `(?m)^n0 +` + regexp.QuoteMeta(p.address()) + ` +leader$`,
		"status":  `(?m)^n0 +` + regexp.QuoteMeta(p.address()) + ` +leader .* 0-1 +ok$`,
	} {
		if out := good(t, "", append([]string{command}, at...)...); !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("%s prints %s, want %s", command, out, want)
		}
	}
	if p.ready["gateway"] == "" {
		t.Errorf("the ready lines are %v", p.ready)
	}
	p.stop(t)
	if text := p.said.String(); strings.Contains(text, "INFO") {
		t.Errorf("it was told to log warnings only, and says %s", text)
	}
}

func TestBenchMeasuresANodeOfItsOwn(t *testing.T) {
	dir := t.TempDir()
	out := good(t, "", "bench", "--clients", "4", "--size", "100", "--batch", "10", "--duration", "200ms", "--dir", dir)
	form := `^one node in .*\n4 clients, 100 bytes, batches of 10, [0-9.]+ s: [1-9][0-9]*0 records\n` +
		`[1-9][0-9]* records/s, [0-9.]+ MB/s\np50 [^,]+s, p99 [^,]+s, p99.9 [^,]+s, max [^,]+s\n$`
	if !regexp.MustCompile(form).MatchString(out) {
		t.Errorf("it prints %s", out)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("it leaves %v", left)
	}
	p, at := alone(t)
	good(t, "", append([]string{"bench", "--clients", "2", "--duration", "50ms"}, at...)...)
	if out := good(t, "", append([]string{"consume", "--count", "1"}, at...)...); len(out) != 1025 {
		t.Errorf("a record of the bench has %d bytes", len(out))
	}
	p.stop(t)
}
