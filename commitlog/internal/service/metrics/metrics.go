// Families of counters, gauges and histograms, and the set that holds them.

package metrics

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// A Family is what its series have in common.
type Family struct {
	Name   string
	Help   string
	Labels []string // their names; each series has a value for each
}

// A Set is some families. The zero Set is empty and ready. Everything may be
// called from several goroutines at once.
type Set struct {
	mu       sync.Mutex
	families []source
}

// A source is a family that can be read.
type source interface {
	family() Family
	kind() string
	read() []series
}

// A series is a family's value for some values of its labels.
type series struct {
	values []string
	value  float64
	cell   *Bins // of a histogram, nil of others
}

var (
	nameForm  = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
	labelForm = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
)

// add takes in a family. A name that is wrong or taken is a mistake of the
// program's.
func (s *Set) add(f source) {
	d := f.family()
	if !nameForm.MatchString(d.Name) {
		panic(fmt.Sprintf("metrics: %q is no name of a family", d.Name))
	}
	for _, l := range d.Labels {
		if !labelForm.MatchString(l) || strings.HasPrefix(l, "__") || l == "le" {
			panic(fmt.Sprintf("metrics: %s: %q is no name of a label", d.Name, l))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at, taken := slices.BinarySearchFunc(s.families, d.Name, func(f source, name string) int {
		return cmp.Compare(f.family().Name, name)
	})
	if taken {
		panic(fmt.Sprintf("metrics: there is a family %s already", d.Name))
	}
	s.families = slices.Insert(s.families, at, f)
}

// cells are the series of a family, by their labels' values.
type cells[C any] struct {
	Family
	mu   sync.Mutex
	all  map[string]C
	make func() C
}

// with returns the cell of these values, which it makes at the first call.
func (c *cells[C]) with(values []string) C {
	if len(values) != len(c.Labels) {
		panic(fmt.Sprintf("metrics: %s has labels %q, and got values %q", c.Name, c.Labels, values))
	}
	key := strings.Join(values, "\xff") // in no valid text
	c.mu.Lock()
	defer c.mu.Unlock()
	cell, ok := c.all[key]
	if !ok {
		cell = c.make()
		c.all[key] = cell
	}
	return cell
}

func (c *cells[C]) family() Family { return c.Family }

// each calls f for each cell, in the order of the labels' values.
func (c *cells[C]) each(f func(values []string, cell C)) {
	c.mu.Lock()
	all := maps.Clone(c.all)
	c.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(all)) {
		var values []string
		if len(c.Labels) > 0 {
			values = strings.Split(key, "\xff")
		}
		f(values, all[key])
	}
}

// A Counter only grows.
type Counter struct{ cells[*Count] }

// A Count is one series of a counter.
type Count struct{ n atomic.Uint64 }

// Counter adds a family of counters.
func (s *Set) Counter(f Family) *Counter {
	c := &Counter{cells[*Count]{Family: f, all: map[string]*Count{}, make: func() *Count { return new(Count) }}}
	s.add(c)
	return c
}

// With returns the series with these values of the family's labels. It is
// written from then on, also while it is 0.
func (c *Counter) With(values ...string) *Count { return c.with(values) }

// Add adds n.
func (c *Count) Add(n uint64) { c.n.Add(n) }

func (c *Counter) kind() string { return "counter" }

func (c *Counter) read() (all []series) {
	c.each(func(values []string, cell *Count) {
		all = append(all, series{values: values, value: float64(cell.n.Load())})
	})
	return all
}

// A Histogram counts values by how large they are.
type Histogram struct{ cells[*Bins] }

// Bins are one series of a histogram.
type Bins struct {
	bounds []float64
	counts []atomic.Uint64 // one more than bounds
	sum    atomic.Uint64   // the bits of a float64
}

// Histogram adds a family of histograms. A value belongs to the first bound
// that is not below it; bounds ascend.
func (s *Set) Histogram(f Family, bounds ...float64) *Histogram {
	if !slices.IsSorted(bounds) {
		panic(fmt.Sprintf("metrics: %s: the bounds %v do not ascend", f.Name, bounds))
	}
	h := &Histogram{cells[*Bins]{Family: f, all: map[string]*Bins{}, make: func() *Bins {
		return &Bins{bounds: bounds, counts: make([]atomic.Uint64, len(bounds)+1)}
	}}}
	s.add(h)
	return h
}

// With returns the series with these values of the family's labels.
func (h *Histogram) With(values ...string) *Bins { return h.with(values) }

// Observe counts v.
func (b *Bins) Observe(v float64) {
	at, _ := slices.BinarySearch(b.bounds, v)
	b.counts[at].Add(1)
	for {
		old := b.sum.Load()
		if b.sum.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+v)) {
			return
		}
	}
}

func (b *Bins) total() float64 { return math.Float64frombits(b.sum.Load()) }

func (h *Histogram) kind() string { return "histogram" }

func (h *Histogram) read() (all []series) {
	h.each(func(values []string, cell *Bins) { all = append(all, series{values: values, cell: cell}) })
	return all
}

// A reading is a family whose values are asked for when they are told.
type reading struct {
	Family
	ask func(tell func(v float64, values ...string))
}

// Gauge adds a family of gauges: ask is called for each text that is written,
// and calls tell for each series.
func (s *Set) Gauge(f Family, ask func(tell func(v float64, values ...string))) {
	s.add(&reading{f, ask})
}

func (r *reading) family() Family { return r.Family }
func (r *reading) kind() string   { return "gauge" }

func (r *reading) read() (all []series) {
	r.ask(func(v float64, values ...string) {
		if len(values) != len(r.Labels) {
			panic(fmt.Sprintf("metrics: %s has labels %q, and got values %q", r.Name, r.Labels, values))
		}
		all = append(all, series{values: values, value: v})
	})
	slices.SortStableFunc(all, func(a, b series) int { return slices.Compare(a.values, b.values) })
	return slices.CompactFunc(all, func(a, b series) bool { return slices.Equal(a.values, b.values) })
}
