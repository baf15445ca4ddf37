// A segment: what one direction sent between two rests, and what becomes of it.

package vnet

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rehearse-go/rehearse/internal/chance"
)

// A Segment is what travels: what one direction of a connection wrote between
// two rests, a connect, the end of a direction, a reset, or a datagram.
type Segment struct {
	ID       int    // names it while it waits; from 1, 0 when it does not
	Conn     string // "app>api:80#0"; of a datagram "app:53>dns:53"
	From, To string // "host:port"
	Data     []byte // not to be changed
	Syn      bool   // asks for a connection
	Fin      bool   // ends its direction
	Rst      bool   // ends the connection
	Datagram bool
}

// hosts returns the names of the hosts it travels between.
func (s Segment) hosts() (from, to string) {
	from, _, _ = strings.Cut(s.From, ":")
	to, _, _ = strings.Cut(s.To, ":")
	return from, to
}

// what tells in one word what a segment does.
func (s Segment) what() string {
	switch {
	case s.Syn:
		return "connect"
	case s.Fin:
		return "fin"
	case s.Rst:
		return "reset"
	case s.Datagram:
		return "packet"
	}
	return "data"
}

// String returns one line: "7 app>api:80#0 app:32768 > api:80 data 18".
func (s Segment) String() string {
	line := fmt.Sprintf("%s %s > %s %s", s.Conn, s.From, s.To, s.what())
	if s.ID != 0 {
		line = strconv.Itoa(s.ID) + " " + line
	}
	if len(s.Data) > 0 {
		line += " " + strconv.Itoa(len(s.Data))
	}
	return line
}

// A Verdict is what a rule decides about a segment. The zero Verdict lets it
// pass. At most one of Drop, Reset, Delay and Replace may be set.
type Verdict struct {
	// Drop loses this transmission. A datagram is gone; on a stream it is
	// sent again after TCP's growing timeout, and the rules are asked again,
	// until Config.GiveUp.
	Drop bool

	// Reset resets the connection in the segment's place: both ends see a
	// reset. A connect is refused. A datagram is dropped.
	Reset bool

	// Delay adds to the link's delay. On a stream what follows waits too.
	Delay time.Duration

	// Replace is delivered in the place of Data.
	Replace []byte
}

// String tells what the verdict does.
func (v Verdict) String() string {
	switch {
	case v.Drop:
		return "drop"
	case v.Reset:
		return "reset"
	case v.Delay != 0:
		return "delay " + v.Delay.String()
	case v.Replace != nil:
		return fmt.Sprintf("replace %q", v.Replace)
	}
	return "pass"
}

// check panics when v asks for two things at once.
func (v Verdict) check() Verdict {
	set := 0
	for _, b := range [...]bool{v.Drop, v.Reset, v.Delay != 0, v.Replace != nil} {
		if b {
			set++
		}
	}
	if set > 1 {
		panic(fmt.Sprintf("vnet: a verdict that asks for two things at once: drop=%v reset=%v delay=%v replace=%q",
			v.Drop, v.Reset, v.Delay, v.Replace))
	}
	return v
}

// An Order picks which of the waiting segments is delivered next, by its
// index. The slice holds the first of each direction, oldest rest first, and
// within a rest by name; it is never empty.
type Order func(waiting []Segment) int

// ByName takes the first: the canonical order, the same in every run.
func ByName([]Segment) int { return 0 }

// Newest takes the last: what came most recently goes first.
func Newest(waiting []Segment) int { return len(waiting) - 1 }

// Shuffled lets a seed choose; the same seed makes the same choices among the
// same segments.
func Shuffled(seed uint64) Order {
	return func(waiting []Segment) int {
		key := chance.Mix(seed)
		for _, s := range waiting {
			key = chance.Mix(key ^ uint64(s.ID))
		}
		return int(key % uint64(len(waiting)))
	}
}
