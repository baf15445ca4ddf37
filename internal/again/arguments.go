// The arguments of a child, for who starts it otherwise than Run.

package again

import (
	"os"
	"slices"
	"strings"
	"time"
)

// Arguments are those with which this test binary runs exactly the test of
// that full name: those of this process, but for go test's own. A limit of 0
// is none. The child prints for people, to its own standard output and error.
func Arguments(name string, limit time.Duration) []string {
	flags, rest := kept(os.Args[1:])
	own := slices.DeleteFunc(arguments(name, limit), func(arg string) bool {
		return strings.HasPrefix(arg, "-test.v=") // package testing then prints errors as output
	})
	return slices.Concat(own, flags, rest)
}
