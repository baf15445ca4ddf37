// Reading benchmarks' output, and the tables of medians.

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// measured holds what was read, in the order in which it first came.
type measured struct {
	about []string // goos, goarch, cpu, and the load before each round
	rows  []*row
}

// A row is one benchmark and its values of all rounds.
type row struct {
	bench  string // "Stream"
	name   string // "vnet/bubble"
	unit   string // "MB/s"
	values []float64
}

// shown are the units that a row may be measured in; the first that a line has
// is the one that counts.
var shown = []string{
	"MB/s", "records/s", "trips/s", "conns/s", "events/s", "B/pair", "KiB/broker", "calls/s", "B/call", "ns/op",
}

// peers are the rows that others are compared with: a benchmark has one of
// them, or none.
var peers = []string{"loopback", "MockBroker", "kfake", "plain", "rpcreplay"}

var line = regexp.MustCompile(`^Benchmark(\w+)/(\S+?)(?:-\d+)?\s+\d+\s+(.*)$`)

// read reads benchmarks' output; other lines are passed over.
func read(r io.Reader) (*measured, error) {
	m := new(measured)
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		text := lines.Text()
		if f := line.FindStringSubmatch(text); f != nil {
			m.add(f[1], strings.ReplaceAll(f[2], "_", " "), strings.Fields(f[3]))
			continue
		}
		key, _, _ := strings.Cut(text, ": ")
		if slices.Contains([]string{"goos", "goarch", "cpu", "load"}, key) && !slices.Contains(m.about, text) {
			m.about = append(m.about, text)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(m.rows) == 0 {
		return nil, errors.New("no benchmark in the input: pipe the output of go test -bench . into it")
	}
	return m, nil
}

// add notes one line's fields, which are values and units in turn.
func (m *measured) add(bench, name string, fields []string) {
	for _, unit := range shown {
		i := slices.Index(fields, unit)
		if i < 1 {
			continue
		}
		if v, err := strconv.ParseFloat(fields[i-1], 64); err == nil {
			r := m.row(bench, name, unit)
			r.values = append(r.values, v)
		}
		return
	}
}

// row finds or makes a row; those of one benchmark stay together.
func (m *measured) row(bench, name, unit string) *row {
	if r := m.find(bench, name); r != nil {
		return r
	}
	at := len(m.rows)
	for i, r := range m.rows {
		if r.bench == bench {
			at = i + 1
		}
	}
	r := &row{bench: bench, name: name, unit: unit}
	m.rows = slices.Insert(m.rows, at, r)
	return r
}

func (m *measured) find(bench, name string) *row {
	for _, r := range m.rows {
		if r.bench == bench && r.name == name {
			return r
		}
	}
	return nil
}

// rounds returns a row's values; none when it was not measured.
func (r *row) rounds() []float64 {
	if r == nil {
		return nil
	}
	return r.values
}

func (r *row) median() float64 { return median(r.values) }

// median returns the middle of values, of which there is at least one.
func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}

// spread tells how far the rounds lay apart, in percent of the median.
func (r *row) spread() float64 {
	return 100 * (slices.Max(r.values) - slices.Min(r.values)) / r.median() / 2
}

// print writes everything as Markdown.
func (m *measured) print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", strings.Join(m.about, ", "))
	bench := ""
	for _, r := range m.rows {
		if r.bench != bench {
			bench = r.bench
			fmt.Fprintf(&b, "\n|%s|%s|±|× %s|\n|-|-:|-:|-:|\n", bench, r.unit, m.peer(bench))
		}
		fmt.Fprintf(&b, "|%s|%s|%.0f %%|%s|\n", r.name, number(r.median()), r.spread(), m.ratio(r))
	}
	m.printGoals(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

// peer returns what the rows of a benchmark are compared with.
func (m *measured) peer(bench string) string {
	for _, r := range m.rows {
		if base := m.base(r); r.bench == bench && base != nil {
			return path.Base(base.name)
		}
	}
	return "–"
}

// base returns the row that r is compared with: the one that has a peer's name
// where r has its own, or where r's own begins. It is nil if there is none.
func (m *measured) base(r *row) *row {
	for _, peer := range peers {
		for rest := r.name; ; rest = path.Dir(rest) {
			base := m.find(r.bench, path.Join(path.Dir(rest), peer))
			if base != nil && base.unit == r.unit {
				return base
			}
			if path.Dir(rest) == "." {
				break
			}
		}
	}
	return nil
}

// ratio compares r with its peer's row, if it has one.
func (m *measured) ratio(r *row) string {
	base := m.base(r)
	if base == nil {
		return ""
	}
	ratio := r.median() / base.median()
	if ratio < 10 {
		return strconv.FormatFloat(ratio, 'f', 2, 64)
	}
	return strconv.FormatFloat(ratio, 'f', 1, 64)
}

// number prints with three digits that count, and separates thousands.
func number(v float64) string {
	if v < 100 {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	step := math.Pow(10, math.Floor(math.Log10(v))-2)
	s := strconv.FormatFloat(math.Round(v/step)*step, 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
