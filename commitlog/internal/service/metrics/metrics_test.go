// Metrics, counted, written and read again.

package metrics_test

import (
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/rehearse-go/rehearse/commitlog/internal/service/metrics"
)

// some returns a set with something of each kind.
func some() *metrics.Set {
	var set metrics.Set
	wait := set.Histogram(metrics.Family{Name: "wait_seconds", Help: "Waiting.", Labels: []string{"who"}}, 0.5, 1)
	for _, v := range []float64{0.25, 0.5, 0.75, 8} {
		wait.With("b").Observe(v)
	}
	wait.With("a")
	calls := set.Counter(metrics.Family{
		Name: "calls_total", Help: "Calls,\nall of \\ them.", Labels: []string{"m", "c"}})
	calls.With("Two", "OK").Add(2)
	calls.With("One", "quote \" slash \\ line \n é").Add(1)
	set.Counter(metrics.Family{Name: "empty_total", Help: "None yet.", Labels: []string{"x"}})
	set.Counter(metrics.Family{Name: "plain_total", Help: ""}).With().Add(1 << 60)
	set.Gauge(metrics.Family{Name: "up", Help: "Up.", Labels: []string{"n"}}, func(tell func(float64, ...string)) {
		tell(1, "z")
		tell(math.Inf(-1), "a")
		tell(0.1, "a")
	})
	return &set
}

const someText = `# HELP calls_total Calls,\nall of \\ them.
# TYPE calls_total counter
calls_total{m="One",c="quote \" slash \\ line \n é"} 1
calls_total{m="Two",c="OK"} 2
# HELP plain_total 
# TYPE plain_total counter
plain_total 1.152921504606847e+18
# HELP up Up.
# TYPE up gauge
up{n="a"} -Inf
up{n="z"} 1
# HELP wait_seconds Waiting.
# TYPE wait_seconds histogram
wait_seconds_bucket{who="a",le="0.5"} 0
wait_seconds_bucket{who="a",le="1"} 0
wait_seconds_bucket{who="a",le="+Inf"} 0
wait_seconds_sum{who="a"} 0
wait_seconds_count{who="a"} 0
wait_seconds_bucket{who="b",le="0.5"} 2
wait_seconds_bucket{who="b",le="1"} 3
wait_seconds_bucket{who="b",le="+Inf"} 4
wait_seconds_sum{who="b"} 9.5
wait_seconds_count{who="b"} 4
`

func TestTheTextIsInOneOrder(t *testing.T) {
	for range 10 {
		if got := string(some().Text()); got != someText {
			t.Fatalf("wrote\n%s\nwant\n%s", got, someText)
		}
	}
}

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	got, err := metrics.Parse(someText)
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]float64{
		`calls_total{m="One",c="quote \" slash \\ line \n é"}`: 1,
		`plain_total`:                            1 << 60,
		`up{n="a"}`:                              math.Inf(-1),
		`wait_seconds_bucket{who="b",le="+Inf"}`: 4,
		`wait_seconds_sum{who="b"}`:              9.5,
	} {
		if v, ok := got[id]; !ok || v != want {
			t.Errorf("%s is %v (%v), want %v", id, v, ok, want)
		}
	}
	if len(got) != 15 {
		t.Errorf("%d samples: %v", len(got), got)
	}
}

func TestWhatIsNotTheFormatIsRefused(t *testing.T) {
	const head = "# HELP a A.\n# TYPE a counter\n"
	const hist = "# HELP h H.\n# TYPE h histogram\n"
	for _, c := range []struct{ text, want string }{
		{"a 1\n", "does not belong"},
		{head + "a 1", "no end"},
		{head, "no sample"},
		{head + "b 1\n", "does not belong"},
		{head + "a 1\n" + head, "comes again"},
		{head + "a 1\na 2\n", "comes twice"},
		{head + "a -1\n", "a counter is -1"},
		{head + "a NaN\n", "a counter is NaN"},
		{head + "a one\n", "is no number"},
		{head + "a 1 1700000000\n", "is no number"},
		{head + "a\n", "no value"},
		{head + "\n", "no value"},
		{head + "# a comment\n", "neither HELP nor TYPE"},
		{head + "a{x=\"1\"\n", "neither"},
		{head + "a{x=\"1} 1\n", "no quote"},
		{head + "a{x=\"\\t\"} 1\n", "a wrong escape"},
		{head + "a{x=\"1\",x=\"1\"} 1\n", "the label x comes twice"},
		{head + "a{} 1\n", "does not begin with a label"},
		{head + "a{1x=\"\"} 1\n", "does not begin with a label"},
		{head + "# TYPE a counter\na 1\n", "does not follow"},
		{"# TYPE a counter\na 1\n", "does not follow"},
		{"# HELP a A\\.\n# TYPE a counter\na 1\n", "a wrong escape"},
		{"# HELP 1a A.\n", "is wrong"},
		{"# HELP a A.\n# TYPE a heap\n", "no type"},
		{hist + "h 1\n", "does not belong"},
		{hist + "h_bucket 1\n", "without le"},
		{hist + "h_bucket{le=\"x\"} 1\n", "is no number"},
		{hist + "h_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\n", "comes behind"},
		{hist + "h_bucket{le=\"1\"} 1\nh_bucket{le=\"1.0\"} 1\n", "comes behind"},
		{hist + "h_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n", "do not end with +Inf"},
		{hist + "h_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 2\n", "not the count"},
		{hist + "h_bucket{le=\"+Inf\"} 1\nh_count 1\n", "no sum"},
	} {
		if got, err := metrics.Parse(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, error %v; want one with %q", c.text, got, err, c.want)
		}
	}
}

func TestTheSetAnswersAScraper(t *testing.T) {
	server := httptest.NewRecorder()
	some().ServeHTTP(server, httptest.NewRequest("GET", "/metrics", nil))
	if got := server.Header().Get("Content-Type"); got != metrics.ContentType {
		t.Errorf("Content-Type is %q", got)
	}
	if server.Body.String() != someText {
		t.Errorf("answered %q", server.Body)
	}
	server = httptest.NewRecorder()
	some().ServeHTTP(server, httptest.NewRequest("POST", "/metrics", nil))
	if server.Code != http.StatusMethodNotAllowed || server.Header().Get("Allow") == "" {
		t.Errorf("POST was answered with %d", server.Code)
	}
}

func TestNothingIsLostWhenManyCountAtOnce(t *testing.T) {
	var set metrics.Set
	calls := set.Counter(metrics.Family{Name: "calls_total", Labels: []string{"m"}})
	wait := set.Histogram(metrics.Family{Name: "wait"}, 1)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				calls.With("a").Add(1)
				wait.With().Observe(0.5)
			}
			if _, err := metrics.Parse(string(set.Text())); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got, err := metrics.Parse(string(set.Text()))
	if err != nil || got[`calls_total{m="a"}`] != 8000 || got[`wait_sum`] != 4000 || got[`wait_count`] != 8000 {
		t.Errorf("%v, error %v", got, err)
	}
}

func TestMisuseIsToldAtOnce(t *testing.T) {
	var set metrics.Set
	one := set.Counter(metrics.Family{Name: "one", Labels: []string{"x"}})
	for name, misuse := range map[string]func(){
		"a name with a space": func() { set.Counter(metrics.Family{Name: "o ne"}) },
		"a name twice":        func() { set.Gauge(metrics.Family{Name: "one"}, nil) },
		"a label le":          func() { set.Counter(metrics.Family{Name: "two", Labels: []string{"le"}}) },
		"too few values":      func() { one.With() },
		"bounds that descend": func() { set.Histogram(metrics.Family{Name: "three"}, 2, 1) },
	} {
		func() {
			defer func() {
				if told, _ := recover().(string); !strings.HasPrefix(told, "metrics: ") {
					t.Errorf("%s: panic %q", name, told)
				}
			}()
			misuse()
		}()
	}
}

func FuzzParse(f *testing.F) {
	f.Add(someText)
	f.Add("# HELP a A.\n# TYPE a counter\na{x=\"\\\\\"} 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := metrics.Parse(text)
		if err != nil && !strings.HasPrefix(err.Error(), "metrics: ") {
			t.Errorf("error %v, samples %v", err, got)
		}
	})
}
