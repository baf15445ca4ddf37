// Require: how a test fails, and what it leaves behind.

package linear_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/history"
	"github.com/rehearse-go/rehearse/linear"
)

// A witness stands in for a test, and keeps what it is told.
type witness struct {
	told string
	dir  string
}

func (w *witness) Helper()             {}
func (w *witness) Name() string        { return "TestOf/something odd" }
func (w *witness) ArtifactDir() string { return w.dir }

func (w *witness) Fatalf(format string, args ...any) { w.told += fmt.Sprintf(format, args...) }

// required lets Require judge in a directory of its own.
func required(t *testing.T, h *linear.RegisterHistory, limits ...linear.Limits) *witness {
	t.Helper()
	w := &witness{dir: t.TempDir()}
	t.Setenv("REHEARSE_ARTIFACTS", w.dir)
	linear.Require(w, h, linear.Register(), limits...)
	return w
}

func violated() *linear.RegisterHistory {
	var h linear.RegisterHistory
	h.Call("a", linear.Write("x", "1")).Return(done)
	h.Call("b", linear.Read("x")).Return(value("<2>"))
	return &h
}

func TestWhatIsLinearizablePasses(t *testing.T) {
	var h linear.RegisterHistory
	h.Call("a", linear.Write("x", "1")).Return(done)
	w := required(t, &h)
	left, err := os.ReadDir(w.dir)
	if w.told != "" || err != nil || len(left) > 0 {
		t.Errorf("told %q, left %v, %v", w.told, left, err)
	}
}

func TestAViolationFailsWithAPictureAndTheHistory(t *testing.T) {
	w := required(t, violated())
	name := filepath.Join(w.dir, "TestOf-something-odd.register.")
	want := `linear: not linearizable as a register (key "x"): no order of these explains the answer marked >:
	  #1 a: write x "1" = "" [1,2]
	> #2 b: read x = "<2>" [3,4]
picture ` + name + `html
history ` + name + `history`
	if w.told != want {
		t.Errorf("told %s\nwant %s", w.told, want)
	}
	page, err := os.ReadFile(name + "html")
	if err != nil || !regexp.MustCompile(`(?s)<html.*#2 b: read x = .*</html>`).Match(page) {
		t.Errorf("no picture: %v\n%s", err, page)
	}
	text, err := os.Open(name + "history")
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	var h linear.RegisterHistory
	if err := h.Load(text); err != nil {
		t.Fatal(err)
	}
	expect(t, linear.Check(&h, linear.Register(), linear.Limits{}), linear.Violation, 2)
}

func TestUndecidedFails(t *testing.T) {
	w := required(t, hard(), linear.Limits{Steps: 1000})
	if !strings.HasPrefix(w.told, `linear: undecided, which is no pass (key "x"): after 1000 steps`) ||
		!strings.Contains(w.told, "\nhistory ") || strings.Contains(w.told, "\npicture ") {
		t.Errorf("told %s", w.told)
	}
	w = required(t, new(linear.RegisterHistory))
	if !strings.HasPrefix(w.told, "linear: undecided, which is no pass: nothing to check") {
		t.Errorf("told %s", w.told)
	}
}

func TestAPictureIsNoLargerThanAllowed(t *testing.T) {
	w := required(t, violated(), linear.Limits{Picture: 1000})
	if !strings.Contains(w.told, "\nno picture: linear: the picture of 2 operations is larger than 1000 bytes") {
		t.Errorf("told %s", w.told)
	}
	if _, err := os.Stat(filepath.Join(w.dir, "TestOf-something-odd.register.html")); !os.IsNotExist(err) {
		t.Errorf("a picture that is too large was left behind: %v", err)
	}
	if err := (linear.Result{}).Picture(nil); err == nil {
		t.Error("a picture of nothing")
	}
}

func TestAPictureOfManyOrdersIsCutToTheLongest(t *testing.T) {
	const n = 3 // writes at once, and then reads of which each saw another one last
	var h linear.RegisterHistory
	for i := range 200 {
		h.Call("c", linear.Write("x", fmt.Sprint("early ", i))).Return(done)
	}
	for _, op := range []func(int) linear.RegisterOp{
		func(i int) linear.RegisterOp { return linear.Write("x", fmt.Sprint(i)) },
		func(int) linear.RegisterOp { return linear.Read("x") },
	} {
		var calls []*history.Call[linear.RegisterOp, linear.RegisterResult]
		for i := range n {
			calls = append(calls, h.Call(fmt.Sprint("c", i), op(i)))
		}
		for i, c := range calls {
			c.Return(value(fmt.Sprint(i)))
		}
	}
	sizes := map[int]int{}
	for _, limit := range []int{0, 100_000} {
		var page strings.Builder
		r := linear.Check(&h, linear.Register(), linear.Limits{Picture: limit})
		if err := r.Picture(&page); err != nil {
			t.Fatal(err)
		}
		if limit > 0 && page.Len() > limit {
			t.Errorf("a picture of %d bytes, %d are allowed", page.Len(), limit)
		}
		_, data, _ := strings.Cut(page.String(), `"PartialLinearizations":`)
		sizes[limit] = strings.Count(data, "{\"Index\"")
	}
	if sizes[100_000] == 0 || sizes[100_000] >= sizes[0] {
		t.Errorf("steps drawn: %d of %d, want some and not all", sizes[100_000], sizes[0])
	}
	t.Logf("steps drawn: %d of %d", sizes[100_000], sizes[0])
}

func TestAHistoryThatCannotBeKeptSaysSo(t *testing.T) {
	h := violated()
	h.Call("\xff", linear.Read("x")).Return(value("1"))
	w := required(t, h)
	if !strings.Contains(w.told, "\nno history: history: operation 3: client: JSON does not carry it") {
		t.Errorf("told %s", w.told)
	}
}

func TestLimitsAreGivenOnce(t *testing.T) {
	defer func() {
		if told := recover(); told != "linear: Require takes Limits once" {
			t.Errorf("panicked with %v", told)
		}
	}()
	required(t, violated(), linear.Limits{}, linear.Limits{})
}
