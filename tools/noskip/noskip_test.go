// Noskip, from go test's events to the verdict.

package main

import (
	"strings"
	"testing"
)

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		name   string
		events string
		code   int
		says   []string
	}{
		{"what passes is told by package", `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"noise\n"}
{"Action":"pass","Package":"p","Test":"TestA","Elapsed":0.1}
{"Action":"pass","Package":"p","Elapsed":1.25}
`, 0, []string{"ok   p 1.2s\n", "1 tests ran, 0 of them"}},
		{"what fails is told with what it said", `{"Action":"output","Package":"p","Test":"TestA","Output":"a_test.go:1: bad\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"FAIL\tp\n"}
{"Action":"fail","Package":"p"}
`, 1, []string{"a_test.go:1: bad\n", "FAIL\tp\n"}},
		{"what a panic cut off is told", `{"Action":"output","Package":"p","Test":"TestA","Output":"panic: deadlock\n"}
{"Action":"fail","Package":"p"}
`, 1, []string{"panic: deadlock\n"}},
		{"what does not build is told", `{"ImportPath":"p","Action":"build-output","Output":"p.go:1: no\n"}
{"ImportPath":"p","Action":"build-fail"}
{"Action":"fail","Package":"p","FailedBuild":"p"}
`, 1, []string{"p.go:1: no\n"}},
		{"a skip fails by name", `{"Action":"output","Package":"p","Test":"TestA/b","Output":"no chromium\n"}
{"Action":"skip","Package":"p","Test":"TestA/b"}
{"Action":"pass","Package":"p"}
`, 1, []string{"no chromium\n", "SKIPPED p.TestA/b: make it run"}},
		{"a skip may be allowed", `{"Action":"skip","Package":"p","Test":"TestFree"}
{"Action":"skip","Package":"p","Test":"TestTree/leaf/deep"}
{"Action":"pass","Package":"p"}
`, 0, []string{"skip p.TestFree: needs a licence\n", "skip p.TestTree/leaf/deep: stands in the wood\n"}},
		{"but not another of a like name", `{"Action":"skip","Package":"p","Test":"TestFreedom"}
{"Action":"skip","Package":"p","Test":"TestTree"}
`, 1, []string{"SKIPPED p.TestFreedom:", "SKIPPED p.TestTree:"}},
		{"a package without tests is no skip", `{"Action":"skip","Package":"p"}
`, 0, []string{"-    p has no tests\n"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			allowed := allowance{"p.TestFree": "needs a licence", "p.TestTree/...": "stands in the wood"}
			var out strings.Builder
			s := newSummary(allowed, &out)
			if err := s.read(strings.NewReader(c.events)); err != nil {
				t.Fatal(err)
			}
			if code := s.verdict(); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, want := range c.says {
				if !strings.Contains(out.String(), want) {
					t.Errorf("%q is missing from\n%s", want, out.String())
				}
			}
		})
	}
}

func TestWhatIsNotJSONIsAnErrorAfterEverythingElse(t *testing.T) {
	var out strings.Builder
	s := newSummary(nil, &out)
	err := s.read(strings.NewReader("panic: no\n{\"Action\":\"skip\",\"Package\":\"p\",\"Test\":\"TestA\"}"))
	if err == nil || !strings.Contains(err.Error(), `"panic: no\n"`) {
		t.Errorf("error %v does not say what was read", err)
	}
	if code := s.verdict(); code != 1 {
		t.Errorf("exit code %d: the line after it went unread", code)
	}
}

func TestAnAllowanceNeedsANameAndAReason(t *testing.T) {
	for _, bad := range []string{"", "p.TestA", "p.TestA=", "=why"} {
		if err := (allowance{}).Set(bad); err == nil {
			t.Errorf("Set(%q) took it", bad)
		}
	}
}

func TestRunTellsThatGoTestFailed(t *testing.T) {
	var out strings.Builder
	if code := run(nil, []string{"./no-such-directory"}, &out); code != 1 {
		t.Errorf("exit code %d, want 1; it said\n%s", code, out.String())
	}
}
