// What a failure is known by.

package clustertest

import (
	"maps"
	"regexp"
	"strings"

	"github.com/rehearse-go/rehearse/internal/again"
)

// Traits are what a run is known by: the lines that it logged with their
// places, what panicked, how it ended. What a test logs cannot be told from
// its errors, but for what is logged by runs that pass too.
type traits map[string]bool

func (t traits) add(others traits) { maps.Copy(t, others) }

// alike tells whether two failures are alike: they share a trait that no run
// has which passed. Where none is known, or tells them apart from a failure,
// all must be the same.
func (t traits) alike(other, passed traits) bool {
	own := maps.Clone(t)
	maps.DeleteFunc(own, func(trait string, _ bool) bool { return passed[trait] })
	if len(passed) == 0 || len(own) == 0 {
		return maps.Equal(t, other)
	}
	for trait := range own {
		if other[trait] {
			return true
		}
	}
	return false
}

var (
	// logged is a line that a test logged or failed with, after its place.
	logged = regexp.MustCompile(`^    (\S+\.go:\d+): (.+)$`)

	// situated begins what Run says of every failure, which is no trait of one.
	situated = regexp.MustCompile(`^clustertest: seed 0x[0-9a-f]+, faults in force: `)

	// number is what differs from one failure to another of the same kind.
	number = regexp.MustCompile(`0x[0-9a-fA-F]+|[0-9]+`)
)

// traitsOf returns the traits of a run by what it printed, in which its name
// means nothing.
func traitsOf(r again.Result, name string) traits {
	t := traits{}
	for line := range strings.Lines(strings.ReplaceAll(r.Output, name, "")) {
		line = strings.TrimRight(line, "\r\n")
		switch m := logged.FindStringSubmatch(line); {
		case m != nil && situated.MatchString(m[2]):
		case m != nil:
			t[m[1]+": "+unnumbered(m[2])] = true
		case strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: "):
			what, _, _ := strings.Cut(line, " [recovered")
			t[unnumbered(what)] = true
		}
	}
	switch {
	case r.Hung:
		return traits{"it hung": true}
	case len(t) > 0:
	case r.Crashed:
		t["the process ended"] = true
	case r.Failed:
		t["it failed without a word"] = true
	}
	return t
}

// unnumbered is text with # in the place of numbers, and one word where
// several in a row are then the same: the keys that were lost, and how many,
// are not what is wrong.
func unnumbered(text string) string {
	var words []string
	for word := range strings.FieldsSeq(number.ReplaceAllString(text, "#")) {
		word = strings.Trim(word, ",[]")
		if len(words) == 0 || words[len(words)-1] != word {
			words = append(words, word)
		}
	}
	return strings.Join(words, " ")
}
