// Reading what was measured, and printing it.

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
	"time"
)

// measured holds all tables, in the order in which they first came.
type measured struct {
	about  []string // goos, goarch, cpu, and the load before each round
	tables []*table
}

// A table is one benchmark at one GOMAXPROCS.
type table struct {
	bench, procs string
	rows         []string // "1 KiB from 64"
	subjects     []string // "JetStream"
	cells        map[[2]string]*cell
}

// A cell has each unit's values, one of each round.
type cell map[string][]float64

var line = regexp.MustCompile(`^Benchmark(\w+)/(\S+?)(?:-(\d+))?\s+\d+\s+(.*)$`)

// read reads benchmarks' output; other lines are passed over.
func read(r io.Reader) (*measured, error) {
	m := new(measured)
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		text := lines.Text()
		if f := line.FindStringSubmatch(text); f != nil {
			name := strings.ReplaceAll(f[2], "_", " ")
			m.table(f[1], f[3]).add(path.Dir(name), path.Base(name), strings.Fields(f[4]))
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
	if len(m.tables) == 0 {
		return nil, errors.New("no benchmark in the input: pipe the output of go test -bench . into it")
	}
	return m, nil
}

func (m *measured) table(bench, procs string) *table {
	for _, t := range m.tables {
		if t.bench == bench && t.procs == procs {
			return t
		}
	}
	t := &table{bench: bench, procs: procs, cells: map[[2]string]*cell{}}
	m.tables = append(m.tables, t)
	return t
}

// add notes one line's fields, which are values and units in turn.
func (t *table) add(row, subject string, fields []string) {
	t.rows, t.subjects = with(t.rows, row), with(t.subjects, subject)
	key := [2]string{row, subject}
	c := t.cells[key]
	if c == nil {
		c = &cell{}
		t.cells[key] = c
	}
	for i := 1; i < len(fields); i += 2 {
		if v, err := strconv.ParseFloat(fields[i-1], 64); err == nil {
			(*c)[fields[i]] = append((*c)[fields[i]], v)
		}
	}
}

func with(names []string, name string) []string {
	if slices.Contains(names, name) {
		return names
	}
	return append(names, name)
}

func (m *measured) print() string {
	var b strings.Builder
	fmt.Fprintln(&b, strings.Join(m.about, ", "))
	for _, t := range m.tables {
		fmt.Fprintf(&b, "\n|%s, GOMAXPROCS=%s|%s|\n", t.bench, orOne(t.procs), strings.Join(t.subjects, "|"))
		fmt.Fprintf(&b, "|-|%s\n", strings.Repeat("-:|", len(t.subjects)))
		for _, row := range t.rows {
			fmt.Fprintf(&b, "|%s", row)
			for _, subject := range t.subjects {
				fmt.Fprintf(&b, "|%s", t.cells[[2]string{row, subject}])
			}
			fmt.Fprintln(&b, "|")
		}
	}
	return b.String()
}

// orOne fills in what go test leaves out.
func orOne(procs string) string {
	if procs == "" {
		return "1"
	}
	return procs
}

// String tells what was measured: a rate, half the distance between the best
// and the worst round, and the times if there are any. Rates of records of
// 64 KiB are in MB/s as well, which is what bounds them.
func (c *cell) String() string {
	if c == nil {
		return ""
	}
	main := "MB/s"
	if _, ok := (*c)["records/s"]; ok {
		main = "records/s"
	}
	values := (*c)[main]
	if len(values) == 0 {
		return ""
	}
	s := number(median(values))
	if main == "MB/s" {
		s += " MB/s"
	} else if rate := (*c)["MB/s"]; len(rate) > 0 && median(rate)/median(values) > 0.05 {
		s += fmt.Sprintf(" = %s MB/s", number(median(rate)))
	}
	s += fmt.Sprintf(" ±%.0f %%", spread(values))
	if len((*c)["p50-ns"]) > 0 {
		s += fmt.Sprintf(" (%s; %s; %s)", c.took("p50-ns"), c.took("p99-ns"), c.took("p99.9-ns"))
	}
	return s
}

// took is a median in the unit that fits.
func (c *cell) took(unit string) string {
	d := time.Duration(median((*c)[unit]))
	if d < time.Millisecond {
		return number(float64(d)/1e3) + " µs"
	}
	return number(float64(d)/1e6) + " ms"
}

// median returns the middle of values, of which there is at least one.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}

// spread tells how far the rounds lay apart, in percent of the median.
func spread(values []float64) float64 {
	return 100 * (slices.Max(values) - slices.Min(values)) / median(values) / 2
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
