// How costly the regex of a subscription may be.

package group

import (
	"errors"
	"regexp"
	"regexp/syntax"

	"github.com/rehearse-go/rehearse/kafkatest/internal/pattern"
)

// A regex becomes a program of some instructions: counted repetitions make it
// far longer than what was written. Every topic's name is held against it while
// all others wait, so its length is bounded, and how often it is held to names.
const (
	mostInstructions = 10_000
	mostSteps        = 1 << 24 // instructions times topics; about a second
)

var errCostly = errors.New("it is too large")

// wholly compiles a regex that has to match all of a name, of so many names.
func wholly(said string, names int) (*regexp.Regexp, error) {
	tree, err := syntax.Parse(said, syntax.Perl)
	if err != nil {
		return nil, err
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, err
	}
	if n := len(program.Inst); n > mostInstructions || n*names > mostSteps {
		return nil, errCostly
	}
	return pattern.Whole(said)
}
