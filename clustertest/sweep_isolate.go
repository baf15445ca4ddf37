// Seeds in processes of their own, in which chance begins alike.

package clustertest

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/cryptotest"
	"time"

	"github.com/rehearse-go/rehearse/internal/again"
)

const (
	isolatedVar = "REHEARSE_ISOLATED" // set while a sweep isolates its seeds, to the name of its test
	notesVar    = "REHEARSE_NOTES"    // in the process of one seed, the file that is told of its faults
)

// beginAlike makes a seed's run the same run again, as far as can be without
// another toolchain. What is ready at one instant runs in one order on one
// processor. Math/rand, which seeds itself at its first use, begins as it did
// in the days before that, the same for each seed.
func beginAlike(t *testing.T, seed uint64) {
	t.Setenv("GODEBUG", strings.TrimPrefix(os.Getenv("GODEBUG")+",randautoseed=0", ","))
	cryptotest.SetGlobalRandom(t, seed)
	before := runtime.GOMAXPROCS(1)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

// noting writes down what the nemeses of a seed did, for the process that has
// started this one; nil if none has.
func noting(seed uint64) func(did []Faults) {
	path := os.Getenv(notesVar)
	if path == "" {
		return nil
	}
	return func(did []Faults) {
		os.WriteFile(path, []byte(scenario{seed, did}.String()), 0o600) // without it nothing is shrunk
	}
}

// isolated runs a scenario in a process of its own: as a subtest, which fails
// with it, but for a hunt.
func (r *round) isolated(s scenario) (o outcome) {
	if r.hunts {
		return r.apart(s)
	}
	r.t.Run(s.String(), func(t *testing.T) {
		o = r.apart(s)
		switch {
		case o.late:
			t.Skip("the time was up")
		case !o.passed:
			t.Errorf("clustertest: in a process of its own it failed\n%s", indented(o.said))
		}
	})
	return o
}

// aSeed is how long a seed may take of real time as long as none has ended.
const aSeed = 5 * time.Minute

// apart runs a scenario in a process of its own, which keeps its journal if it
// fails.
func (r *round) apart(s scenario) (o outcome) {
	limit := aSeed
	r.mu.Lock()
	if r.slowest > 0 {
		limit = max(patience(r.slowest), time.Minute)
	}
	r.mu.Unlock()
	notes := filepath.Join(r.t.TempDir(), strconv.FormatUint(s.seed, 10))
	result := again.Run(r.ctx, r.t.Name()+"/"+s.String(), again.Config{
		Env: []string{notesVar + "=" + notes}, Timeout: limit, Keep: true,
	})
	o.late = r.ctx.Err() != nil
	o.ran, o.began, o.said = true, result.Found, result.Output
	o.passed = result.Found && !result.Failed
	if name, err := os.ReadFile(notes); err == nil {
		told, _ := parseScenario(string(name)) // half of it, if the process ended there
		o.did = told.told
	}
	return o
}
