// The menu: what may be drawn, how likely, and whom it befalls.

package faults

import (
	"fmt"
	"strings"
	"time"

	"github.com/rehearse-go/rehearse/vnet"
)

// A Kind is something that may be drawn. Its name is one of those that Menu
// knows, or "disk" and a disk's words, "disk sync eio", for a disk of one node.
type Kind struct {
	Name   string
	Weight int // how often it is drawn, against the weights of the others; if 0, never
}

// menu is all there is but disks. What finds most has most weight: losing a
// node, and being cut off from the others.
var menu = []struct {
	Kind
	draw func(nodes []string, d *dice) (Deed, bool)
}{
	{Kind{"crash", 4}, program("crash")},
	{Kind{"kill", 2}, program("kill")},
	{Kind{"poweroff", 2}, program("poweroff")},
	{Kind{"stop", 1}, program("stop")},
	{Kind{"pause", 3}, program("pause")},
	{Kind{"restart", 2}, program("restart")},
	{Kind{"clock", 1}, drawClock},
	{Kind{"isolate", 3}, drawIsolate},
	{Kind{"split", 3}, drawSplit},
	{Kind{"deaf", 2}, drawDeaf},
	{Kind{"mute", 2}, drawMute},
	{Kind{"bridge", 1}, drawBridge},
	{Kind{"ring", 1}, drawRing},
	{Kind{"latency", 2}, drawLatency},
	{Kind{"jitter", 2}, drawJitter},
	{Kind{"loss", 2}, drawLoss},
	{Kind{"bandwidth", 1}, drawBandwidth},
	{Kind{"reset", 2}, drawReset},
}

// Menu returns the kinds of these names with their usual weights, or all but
// those of disks if there are no names. A kind of a disk weighs 1. It panics
// at a name that is no kind's.
//
//	crash kill poweroff stop pause restart   mostly of one node, at times of more
//	clock                                    a tenth to ten times as fast
//	isolate                                  one node reaches nobody, clients included
//	split                                    two sides, which clients reach both
//	deaf mute                                nobody reaches one node; it reaches nobody
//	bridge                                   two halves and one node that reaches both
//	ring                                     each node reaches two others only
//	latency jitter loss bandwidth            links from one node, to one or all others
//	reset                                    connections of one node, or of two
func Menu(names ...string) (kinds []Kind) {
	if len(names) == 0 {
		for _, m := range menu {
			kinds = append(kinds, m.Kind)
		}
		return kinds
	}
	for _, name := range names {
		k := Kind{name, 1}
		if i := indexOf(name); i >= 0 {
			k = menu[i].Kind
		}
		if err := k.check(); err != nil {
			panic("faults: " + err.Error())
		}
		kinds = append(kinds, k)
	}
	return kinds
}

func indexOf(name string) int {
	for i, m := range menu {
		if m.Name == name {
			return i
		}
	}
	return -1
}

func (k Kind) check() error {
	if indexOf(k.Name) >= 0 {
		return nil
	}
	words, isDisk := strings.CutPrefix(k.Name, "disk ")
	if _, err := ParseDeed("disk x " + words); !isDisk || err != nil {
		return fmt.Errorf("no kind %q; there are %v and \"disk\" with its words", k.Name, Menu())
	}
	return nil
}

// heaviest is more than any weight needs, and keeps sums from overflowing.
const heaviest = 1_000_000

func checkKinds(kinds []Kind) error {
	sum := 0
	for _, k := range kinds {
		if err := k.check(); err != nil {
			return fmt.Errorf("faults: %w", err)
		}
		if k.Weight < 0 || k.Weight > heaviest {
			return fmt.Errorf("faults: kind %q weighs %d; it must be from 0 to %d", k.Name, k.Weight, heaviest)
		}
		sum += k.Weight
	}
	if sum == 0 {
		return fmt.Errorf("faults: the kinds %v weigh nothing", kinds)
	}
	return nil
}

// choose draws one of kinds by its weight.
func choose(kinds []Kind, d *dice) Kind {
	sum := 0
	for _, k := range kinds {
		sum += k.Weight
	}
	at := d.below(sum)
	i := 0
	for ; at >= kinds[i].Weight; i++ {
		at -= kinds[i].Weight
	}
	return kinds[i]
}

// draw draws whom the kind befalls and how. There may be too few nodes for it.
func (k Kind) draw(nodes []string, d *dice) (Deed, bool) {
	if i := indexOf(k.Name); i >= 0 {
		return menu[i].draw(nodes, d)
	}
	one, _ := d.pick(1, nodes)
	words := strings.Fields(k.Name)
	return Deed{Kind: words[0], Hosts: one, Words: strings.Join(words[1:], " ")}, true
}

func program(kind string) func([]string, *dice) (Deed, bool) {
	return func(nodes []string, d *dice) (Deed, bool) {
		return Deed{Kind: kind, Hosts: d.some(nodes)}, true
	}
}

func drawClock(nodes []string, d *dice) (Deed, bool) {
	rates := [...]float64{0.1, 0.2, 0.5, 2, 5, 10}
	one, _ := d.pick(1, nodes)
	return Deed{Kind: "clock", Hosts: one, Rate: rates[d.below(len(rates))]}, true
}

func drawIsolate(nodes []string, d *dice) (Deed, bool) {
	one, _ := d.pick(1, nodes)
	return Deed{Kind: "part", Hosts: one}, true
}

// drawSplit draws two sides. The first is the smaller, or half.
func drawSplit(nodes []string, d *dice) (Deed, bool) {
	if len(nodes) < 2 {
		return Deed{}, false
	}
	side, other := d.pick(1+d.below(len(nodes)/2), nodes)
	return Deed{Kind: "part", Hosts: side, Others: other}, true
}

func drawDeaf(nodes []string, d *dice) (Deed, bool) {
	one, others := d.pick(1, nodes)
	return Deed{Kind: "cut", Hosts: others, Others: one}, len(nodes) > 1
}

func drawMute(nodes []string, d *dice) (Deed, bool) {
	one, others := d.pick(1, nodes)
	return Deed{Kind: "cut", Hosts: one, Others: others}, len(nodes) > 1
}

func drawBridge(nodes []string, d *dice) (Deed, bool) {
	if len(nodes) < 3 {
		return Deed{}, false
	}
	_, others := d.pick(1, nodes)
	side, other := d.pick(len(others)/2, others)
	return Deed{Kind: "part", Hosts: side, Others: other}, true
}

func drawRing(nodes []string, d *dice) (Deed, bool) {
	return Deed{Kind: "ring", Hosts: d.shuffled(nodes)}, len(nodes) > 3
}

func drawLatency(nodes []string, d *dice) (Deed, bool) {
	return drawLink(nodes, d, vnet.LinkConfig{Latency: time.Duration(5+d.below(96)) * step})
}

func drawJitter(nodes []string, d *dice) (Deed, bool) {
	return drawLink(nodes, d, vnet.LinkConfig{Jitter: time.Duration(1+d.below(50)) * step})
}

func drawLoss(nodes []string, d *dice) (Deed, bool) {
	return drawLink(nodes, d, vnet.LinkConfig{Loss: float64(5+d.below(46)) / 100})
}

func drawBandwidth(nodes []string, d *dice) (Deed, bool) {
	return drawLink(nodes, d, vnet.LinkConfig{Bandwidth: 1 << (10 + d.below(7))})
}

// drawLink draws from whom to whom a link is set so.
func drawLink(nodes []string, d *dice, c vnet.LinkConfig) (Deed, bool) {
	if len(nodes) < 2 {
		return Deed{}, false
	}
	one, others := d.pick(1, nodes)
	if d.below(2) == 0 {
		others, _ = d.pick(1, others)
	}
	return Deed{Kind: "link", Hosts: one, Others: others, Words: c.String()}, true
}

func drawReset(nodes []string, d *dice) (Deed, bool) {
	one, others := d.pick(1, nodes)
	if len(others) == 0 || d.below(2) == 0 {
		return Deed{Kind: "reset", Hosts: one}, true
	}
	other, _ := d.pick(1, others)
	return Deed{Kind: "reset", Hosts: one, Others: other}, true
}

// String returns the kind's name and weight.
func (k Kind) String() string { return fmt.Sprintf("%s:%d", k.Name, k.Weight) }
