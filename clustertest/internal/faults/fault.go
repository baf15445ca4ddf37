// A fault: when, how long and what; written and read.

package faults

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// A Fault is something that goes wrong for a while. It is comparable.
type Fault struct {
	At   time.Duration // when it begins, since the nemesis did
	For  time.Duration // how long it lasts; if 0, until the nemesis ends
	What string        // as ParseDeed reads it
}

// String returns the fault's text, "2.1s+5s part n0", which Parse reads.
func (f Fault) String() string {
	if f.For == 0 {
		return f.At.String() + " " + f.What
	}
	return f.At.String() + "+" + f.For.String() + " " + f.What
}

// Parse reads the text of a fault. Its What is then as a Deed writes it. An
// error tells at which byte of the text, from 0, it went wrong.
func Parse(text string) (Fault, error) {
	f, _, wrong := read(text)
	if wrong != nil {
		return Fault{}, wrong.in(text)
	}
	return f, nil
}

// A misreading is what is wrong with a text, and at which byte.
type misreading struct {
	at  int
	why error
}

func (m *misreading) in(text string) error {
	return fmt.Errorf("faults: %q: at byte %d: %w", text, m.at, m.why)
}

// A word is a word of a text and where it begins.
type word struct {
	text string
	at   int
}

func (w word) wrong(format string, args ...any) *misreading {
	return &misreading{w.at, fmt.Errorf(format, args...)}
}

// split returns the words of a text.
func split(text string) (words []word) {
	at := 0
	for w := range strings.FieldsSeq(text) {
		at += strings.Index(text[at:], w)
		words = append(words, word{w, at})
		at += len(w)
	}
	return words
}

// read reads one fault, and what it does.
func read(text string) (f Fault, d Deed, wrong *misreading) {
	words := split(text)
	if len(words) == 0 {
		return f, d, &misreading{0, errors.New("a fault is expected")}
	}
	if f, wrong = readTimes(words[0]); wrong != nil {
		return f, d, wrong
	}
	if len(words) == 1 {
		return f, d, &misreading{len(text), errors.New("what goes wrong is not said")}
	}
	if d, wrong = readDeed(words[1:]); wrong != nil {
		return f, d, wrong
	}
	if d.Momentary() && f.For != 0 && d.Kind != "disk" {
		return f, d, words[0].wrong("a %s is over at once: it lasts no time", d.Kind)
	}
	f.What = d.String()
	return f, d, nil
}

// readTimes reads "2.1s+5s" or "2.1s".
func readTimes(w word) (f Fault, wrong *misreading) {
	begin, length, lasts := strings.Cut(w.text, "+")
	if f.At, wrong = readTime(word{begin, w.at}); wrong != nil || !lasts {
		return f, wrong
	}
	last := word{length, w.at + len(begin) + len("+")}
	switch f.For, wrong = readTime(last); {
	case wrong != nil:
		return f, wrong
	case f.For == 0:
		return f, last.wrong("it lasts no time; leave the 0 out if it is to last until the end")
	case f.At > math.MaxInt64-f.For:
		return f, w.wrong("it ends after the end of time")
	}
	return f, nil
}

func readTime(w word) (time.Duration, *misreading) {
	if w.text == "" || w.text[0] < '0' || w.text[0] > '9' {
		return 0, w.wrong("%q is not a time", w.text)
	}
	d, err := time.ParseDuration(w.text)
	if err != nil {
		return 0, w.wrong("%q is not a time", w.text)
	}
	return d, nil
}
