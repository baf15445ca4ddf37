// Making one fault smaller.

package faults

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/rehearse-go/rehearse/vnet"
)

// Simpler returns what is simpler than f, in steps: half as long, but at least
// 10 ms (and one second instead of until the end); one host less in a list;
// a link's setting left out or half as bad; a reader twice as fast; a clock
// closer to the true one. None leads back to f. In a list, each of them is
// legal where f is, and leaves a majority where f does.
func Simpler(f Fault) (simpler []Fault) {
	d, err := ParseDeed(f.What)
	if err != nil {
		return nil
	}
	if shorter := f.shorter(d.Momentary()); shorter != f.For {
		simpler = append(simpler, Fault{f.At, shorter, f.What})
	}
	for _, deed := range slices.Concat(d.fewer(), d.milder()) {
		simpler = append(simpler, Fault{f.At, f.For, deed.String()})
	}
	return simpler
}

func (f Fault) shorter(momentary bool) time.Duration {
	switch {
	case momentary:
		return f.For
	case f.For == 0:
		return time.Second
	default:
		return min(f.For, max(step, (f.For/2).Truncate(step)))
	}
}

// fewer returns d without each of its hosts, where enough are left.
func (d Deed) fewer() (deeds []Deed) {
	least := 1
	if d.Kind == "ring" {
		least = 4
	}
	for i := range d.Hosts {
		if len(d.Hosts) > least {
			e := d
			e.Hosts = slices.Delete(slices.Clone(d.Hosts), i, i+1)
			deeds = append(deeds, e)
		}
	}
	for i := range d.Others {
		if len(d.Others) > 1 {
			e := d
			e.Others = slices.Delete(slices.Clone(d.Others), i, i+1)
			deeds = append(deeds, e)
		}
	}
	return deeds
}

// milder returns d with less of what it does.
func (d Deed) milder() (deeds []Deed) {
	switch d.Kind {
	case "clock":
		e := d
		if e.Rate = math.Round((d.Rate+1)*5) / 10; e.Rate != 1 && math.Abs(e.Rate-1) < math.Abs(d.Rate-1) {
			deeds = append(deeds, e)
		}
	case "slow":
		e := d
		if rate, err := strconv.Atoi(d.Words); err == nil && rate < enough {
			e.Words = strconv.Itoa(2 * rate)
			deeds = append(deeds, e)
		}
	case "link":
		for _, c := range milderLinks(d.Network()[0].Link) {
			e := d
			e.Words = c.String()
			deeds = append(deeds, e)
		}
	}
	return deeds
}

// enough is how many bytes a second hurt nobody.
const enough = 1 << 20

// milderLinks returns c without each of its settings, as long as one is left,
// and with each of them half as bad.
func milderLinks(c vnet.LinkConfig) (milder []vnet.LinkConfig) {
	add := func(change func(*vnet.LinkConfig)) {
		m := c
		if change(&m); m != c && m != (vnet.LinkConfig{}) {
			milder = append(milder, m)
		}
	}
	for _, setting := range settings {
		add(func(m *vnet.LinkConfig) { setting(m, true) })
	}
	for _, setting := range settings {
		add(func(m *vnet.LinkConfig) { setting(m, false) })
	}
	return milder
}

// settings are what a link is set to. Each function leaves its setting out, or
// makes it half as bad if that is still something.
var settings = []func(m *vnet.LinkConfig, out bool){
	func(m *vnet.LinkConfig, out bool) { lessTime(&m.Latency, out) },
	func(m *vnet.LinkConfig, out bool) { lessTime(&m.Jitter, out) },
	func(m *vnet.LinkConfig, out bool) { moreBytes(&m.Bandwidth, out) },
	func(m *vnet.LinkConfig, out bool) { moreBytes(&m.Queue, out) },
	func(m *vnet.LinkConfig, out bool) { lessChance(&m.Loss, out) },
	func(m *vnet.LinkConfig, out bool) { lessChance(&m.Duplicate, out) },
	func(m *vnet.LinkConfig, out bool) { lessChance(&m.Reorder, out) },
	func(m *vnet.LinkConfig, out bool) { lessChance(&m.Corrupt, out) },
}

func lessTime(t *time.Duration, out bool) {
	switch half := (*t / 2).Truncate(time.Millisecond); {
	case out:
		*t = 0
	case half > 0:
		*t = half
	}
}

func moreBytes(n *int, out bool) {
	switch {
	case out:
		*n = 0
	case *n < enough:
		*n *= 2
	}
}

// lessChance keeps two decimals, so that texts stay short.
func lessChance(p *float64, out bool) {
	switch half := math.Floor(*p*50) / 100; {
	case out:
		*p = 0
	case half > 0:
		*p = half
	}
}
