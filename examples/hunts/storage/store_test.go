// What is hunted: stores of words, and what each of them must keep.

package storage_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/vdisk"
)

// A store keeps words in the order in which they were added.
type store interface {
	add(words ...string) error // nil means that they are stored, whatever comes
	words() ([]string, error)
	close()
}

// A subject is a kind of store that is hunted in, and the disk below it.
type subject struct {
	name string
	open func(vdisk.FS) (store, error)
	disk vdisk.Config
}

// onExt4 is s on a disk where the sync of a file makes its name stable too, as
// ext4 does and nobody promises.
func onExt4(s subject) subject {
	s.name += " on ext4"
	s.disk.SyncNames = true
	return s
}

// A promise is what a store was asked to add, and which of it it acknowledged.
// The rest it may have or not.
type promise struct {
	words []string
	kept  []bool
}

// ask notes words that are being added.
func (p *promise) ask(words ...string) {
	p.words = append(p.words, words...)
	p.kept = append(p.kept, make([]bool, len(words))...)
}

// keep notes that the last words that were asked for are acknowledged.
func (p *promise) keep(words ...string) {
	for i := range words {
		p.kept[len(p.kept)-1-i] = true
	}
}

// promised is the promise of these words.
func promised(words ...string) (p promise) {
	p.ask(words...)
	p.keep(words...)
	return p
}

// A flaw is how a store breaks a promise: in which way, and the details.
type flaw struct{ way, details string }

// What stores do wrong.
const (
	closed  = "does not open"
	unread  = "does not read"
	lost    = "lost what it acknowledged"
	strange = "holds what nobody added, or twice, or in another order"
	refuses = "takes no more"
)

// judge compares what a store holds with what it promised.
func (p promise) judge(got []string) *flaw {
	next := 0
	for i, word := range p.words {
		switch {
		case next < len(got) && got[next] == word:
			next++
		case p.kept[i] && slices.Contains(got, word):
			return &flaw{strange, fmt.Sprintf("%s instead of %s", brief(got), brief(p.words))}
		case p.kept[i]:
			return &flaw{lost, fmt.Sprintf("%.6s is not in %s", word, brief(got))}
		}
	}
	if next < len(got) {
		return &flaw{strange, fmt.Sprintf("%s in %s, after %s", runs(got[next]), brief(got), brief(p.words))}
	}
	return nil
}

// check opens the store that is on a disk and holds it to the promise: all of
// it is there and nothing else, more can be added, and the next crash takes
// nothing of all that.
func (s subject) check(d *vdisk.Disk, p promise) *flaw {
	got, f := s.holds(d, p)
	if f != nil {
		return f
	}
	if err := s.adds(d, "more"); err != nil {
		return &flaw{refuses, fmt.Sprintf("with %s: %v", brief(got), err)}
	}
	d.Crash(vdisk.Crash{Lose: true})
	_, f = s.holds(d, promised(append(got, "more")...))
	if f != nil {
		f.details += ", after another crash"
	}
	return f
}

// holds reads the store and compares.
func (s subject) holds(d *vdisk.Disk, p promise) ([]string, *flaw) {
	st, err := s.open(d.Mount())
	if err != nil {
		return nil, &flaw{closed, err.Error()}
	}
	defer st.close()
	got, err := st.words()
	if err != nil {
		return nil, &flaw{unread, err.Error()}
	}
	return got, p.judge(got)
}

func (s subject) adds(d *vdisk.Disk, word string) error {
	st, err := s.open(d.Mount())
	if err != nil {
		return err
	}
	defer st.close()
	return st.add(word)
}

// brief is a list of words by their first letters.
func brief(words []string) string {
	short := make([]string, len(words))
	for i, w := range words {
		short[i] = w[:min(len(w), 5)]
	}
	if len(short) > 4 {
		short = slices.Concat(short[:2], []string{"..."}, short[len(short)-1:])
	}
	return fmt.Sprintf("%d words %v", len(words), short)
}

// runs is a word with how often each letter stands there in a row.
func runs(word string) (s string) {
	for word != "" {
		rest := strings.TrimLeft(word, word[:1])
		s += fmt.Sprintf("%q*%d ", word[:1], len(word)-len(rest))
		word = rest
	}
	return s
}

// A bag is the flaws that were found, with where the first of each way was.
type bag struct {
	count map[string]int
	first map[string]string
}

func newBag() *bag { return &bag{map[string]int{}, map[string]string{}} }

func (b *bag) put(f *flaw, where string, args ...any) {
	if f == nil {
		return
	}
	if b.count[f.way]++; b.count[f.way] == 1 {
		b.first[f.way] = fmt.Sprintf(where, args...) + ": " + f.details
	}
}

// mustBe fails the test unless just these ways were found: a hunt that finds
// more, or does not find any more what it had found, is to be told.
func (b *bag) mustBe(t *testing.T, ways ...string) {
	t.Helper()
	for _, way := range slices.Sorted(maps.Keys(b.count)) {
		t.Logf("%s: %d times, first %s", way, b.count[way], b.first[way])
		if !slices.Contains(ways, way) {
			t.Errorf("%s is new", way)
		}
	}
	for _, way := range ways {
		if b.count[way] == 0 {
			t.Errorf("%s is not found any more", way)
		}
	}
}
