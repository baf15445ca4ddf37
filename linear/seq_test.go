// The immutable sequence, against a slice.

package linear_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/rehearse-go/rehearse/linear"
)

func TestASequenceIsASliceThatDoesNotChange(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	type pair struct {
		seq   linear.Seq
		slice []string
	}
	all := []pair{{}}
	for i := range 600 {
		p := all[rng.IntN(len(all))]
		if len(p.slice) > 0 && rng.IntN(3) == 0 {
			p = pair{p.seq.Rest(), p.slice[1:]}
		} else {
			v := fmt.Sprint(rng.IntN(3), i%2)
			p = pair{p.seq.Append(v), append(slices.Clip(p.slice), v)}
		}
		all = append(all, p)
	}
	equal := 0
	for _, p := range all {
		if p.seq.Len() != len(p.slice) {
			t.Fatalf("%v has %d values, want %q", p.seq, p.seq.Len(), p.slice)
		}
		for i, v := range p.slice {
			if p.seq.At(i) != v {
				t.Fatalf("value %d of %v is %q, want %q", i, p.seq, p.seq.At(i), v)
			}
		}
		for _, o := range all {
			same := slices.Equal(p.slice, o.slice)
			if p.seq.Equal(o.seq) != same || same && p.seq.Hash() != o.seq.Hash() {
				t.Fatalf("%v and %v: equal must be %v", p.seq, o.seq, same)
			}
			if same {
				equal++
			}
		}
	}
	if equal <= len(all) {
		t.Error("no two sequences were equal")
	}
}

func TestALongSequenceIsReadAnywhere(t *testing.T) {
	var s linear.Seq
	for i := range 5000 {
		s = s.Append(fmt.Sprint(i))
	}
	for i := range 5000 {
		if s.At(i) != fmt.Sprint(i) {
			t.Fatalf("value %d is %s", i, s.At(i))
		}
	}
	if got := s.String(); got != `5000 [... "4992" "4993" "4994" "4995" "4996" "4997" "4998" "4999"]` {
		t.Errorf("shown as %s", got)
	}
}

func TestNoValueBeyondTheEnds(t *testing.T) {
	for _, read := range []func(linear.Seq){
		func(s linear.Seq) { s.At(1) }, func(s linear.Seq) { s.At(-1) }, func(s linear.Seq) { s.Rest().Rest() },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("a value that is not there was read")
				}
			}()
			read(linear.Seq{}.Append("a"))
		}()
	}
}
