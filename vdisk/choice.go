// Choices: what a crash leaves open, drawn from a seed, refused, or gone through one by one.

package vdisk

import "github.com/rehearse-go/rehearse/internal/chance"

// A choice is one thing that a crash leaves open: there are n ways it may go,
// from 0, by which what was not synced is lost, to n-1, by which it is kept.
type choice struct {
	kind choiceKind
	name string // of what file, or which change of names
	at   int64  // of a sector: its number in the file; of a change: the how-manieth of that text
	n    int
}

type choiceKind uint64

const (
	ofEntry choiceKind = iota + 1
	ofCuts
	ofSize
	ofSector
)

// A chooser says which way each choice goes.
type chooser interface{ choose(c choice) int }

// losing loses all that can be lost.
type losing struct{}

func (losing) choose(choice) int { return 0 }

// A lot draws from a seed: every draw is a function of seed, crash, name and
// place, so that what becomes of one file never moves another's fate.
type lot struct{ seed, crash uint64 }

func (l lot) choose(c choice) int {
	d := draws(l.seed, c.name, l.crash)
	d = d.With(uint64(c.kind)<<56 ^ uint64(c.at))
	switch c.kind {
	case ofSize:
		return l.end(d, c.n)
	case ofSector:
		return l.sector(d, c)
	}
	return int(d.Number(0) % uint64(c.n))
}

// end is the first, the last or any of n, each as likely.
func (l lot) end(d chance.Draws, n int) int {
	switch d.Number(0) % 3 {
	case 0:
		return 0
	case 1:
		return n - 1
	}
	return int(d.Number(1) % uint64(n))
}

// sector keeps all sectors of one file with one chance, which is drawn too:
// nearly all lost, half, nearly all kept are equally worth a try.
func (l lot) sector(d chance.Draws, c choice) int {
	share := draws(l.seed, c.name, l.crash).Number(1) % 5
	switch {
	case d.Number(0)%4 >= share:
		return 0
	case d.Number(1)%4 == 0:
		return 1 + int(d.Number(2)%uint64(c.n-1))
	}
	return c.n - 1
}

// An odometer goes through all ways that a list of choices may go, one at a
// time, the last choice first. What is asked may depend on what was chosen.
type odometer struct {
	wheels []wheel
	at     int
}

type wheel struct{ way, ways int }

func (o *odometer) choose(c choice) int {
	if o.at == len(o.wheels) {
		o.wheels = append(o.wheels, wheel{ways: c.n})
	}
	o.at++
	return o.wheels[o.at-1].way
}

// next turns to the next list of ways, unless that was the last.
func (o *odometer) next() bool {
	o.at = 0
	for last := len(o.wheels) - 1; last >= 0; last-- {
		if w := &o.wheels[last]; w.way+1 < w.ways {
			w.way++
			return true
		}
		o.wheels = o.wheels[:last]
	}
	return false
}

// draws returns the numbers of the count-th occasion of the named thing.
func draws(seed uint64, name string, count uint64) chance.Draws {
	return chance.Keyed(chance.Name(chance.Mix(seed), name), count)
}
