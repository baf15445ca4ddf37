// Patterns of one subtest, there and back.

package again_test

import (
	"flag"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/internal/again"
)

func TestAPatternMatchesItsNameAlone(t *testing.T) {
	for _, name := range []string{
		"3:2,17:1", "default", "1.5s", "a(b)c", "[x]", "^|$", `back\slash`, "ümläut", "0x1f", "a+b*c?{2}", "#01",
	} {
		pattern := again.Pattern("TestX/" + name)
		got, ok := again.NamedIn(pattern, "TestX")
		if !ok || got != name {
			t.Errorf("%s names %q, %v; want %q", pattern, got, ok, name)
		}
		element := strings.TrimPrefix(pattern, "^TestX$/")
		if !regexp.MustCompile(element).MatchString(name) {
			t.Errorf("%s does not match %q", element, name)
		}
	}
}

func TestWhatNamesNoSingleSubtestNamesNone(t *testing.T) {
	for _, c := range []struct{ pattern, parent string }{
		{"", "TestX"},
		{"TestX", "TestX"},
		{"^TestX$", "TestX"},
		{"^TestX$/3", "TestX"},
		{"^TestX$/^3", "TestX"},
		{"^TestX$/^$", "TestX"},
		{"^TestX$/^3.2$", "TestX"},
		{"^TestX$/^(3|4)$", "TestX"},
		{`^TestX$/^\d$`, "TestX"},
		{`^TestX$/^3\$`, "TestX"},
		{"^TestX$/^3$|^TestY$", "TestX"},
		{"^TestX$/^sub$", "TestX/sub"},
		{"^TestX$/^it's$", "TestX/sub"},
	} {
		if got, ok := again.NamedIn(c.pattern, c.parent); ok {
			t.Errorf("-run %q names %q beneath %s", c.pattern, got, c.parent)
		}
	}
}

func TestASubtestIsNamedAtItsDepth(t *testing.T) {
	for _, c := range []struct{ pattern, parent, want string }{
		{"^TestX$/^sub$/^3:2$", "TestX", "sub"},
		{"^TestX$/^sub$/^3:2$", "TestX/sub", "3:2"},
		{"(TestX|TestY)/[a/]/^3:2$", "TestX/sub", "3:2"},
		{`Test\/X/^3:2$`, "TestX", "3:2"},
	} {
		if got, ok := again.NamedIn(c.pattern, c.parent); got != c.want {
			t.Errorf("-run %q names %q, %v beneath %s, want %q", c.pattern, got, ok, c.parent, c.want)
		}
	}
}

func TestACommandNamesTheTestAndThePackage(t *testing.T) {
	got := again.Command("TestX/it's 1.5s", "-rehearse.seed=0x7", "-v")
	want := `go test -run '^TestX$/^it.s 1\.5s$' github.com/rehearse-go/rehearse/internal/again -rehearse.seed=0x7 -v`
	if got != want {
		t.Errorf("the command is\n%s\nwant\n%s", got, want)
	}
}

func TestAChildInheritsWhatIsNotGoTestsOwn(t *testing.T) {
	for _, c := range []struct{ args, flags, rest string }{
		{"-test.v=true -test.run=X -rehearse.seed=7", "-rehearse.seed=7", ""},
		{"-test.run X -test.v -depth 3 -test.timeout 1m more -test.v", "-depth 3", "more -test.v"},
		{"--test.v --depth=3 -- -test.v", "--depth=3", "-- -test.v"},
		{"-test.run", "", ""},
		{"-depth", "-depth", ""},
		{"", "", ""},
	} {
		flags, rest := again.Kept(strings.Fields(c.args))
		if !slices.Equal(flags, strings.Fields(c.flags)) || !slices.Equal(rest, strings.Fields(c.rest)) {
			t.Errorf("of %q it inherits %q and %q, want %q and %q", c.args, flags, rest, c.flags, c.rest)
		}
	}
}

func FuzzANamesPatternNamesIt(f *testing.F) {
	for _, name := range []string{"3:2", "default", "a|b", "[", "(", `\`, "x.y", "'"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got, ok := again.NamedIn(again.Pattern("TestX/"+name), "TestX")
		unambiguous := name != "" && !strings.ContainsAny(name, "/'") && strings.ToValidUTF8(name, "") == name
		if unambiguous && (!ok || got != name) {
			t.Errorf("the pattern of %q names %q, %v", name, got, ok)
		}
	})
}

func FuzzAnyPatternMayBeAsked(f *testing.F) {
	for _, c := range []string{"^A$/^b$", "[[]/^x$", "(/)/^x$", `\`, "^A$/^b$|c", "]]/^x$", ")/^x$"} {
		f.Add(c, "A")
	}
	f.Fuzz(func(t *testing.T, pattern, parent string) {
		if name, ok := again.NamedIn(pattern, parent); ok && name == "" {
			t.Errorf("-run %q names a subtest without a name beneath %q", pattern, parent)
		}
	})
}

func TestACommandKeepsThePackagesOwnFlags(t *testing.T) {
	all := flag.NewFlagSet("test", flag.ContinueOnError)
	for _, name := range []string{"test.v", "rehearse.seed", "sync-every", "words", "unset"} {
		all.String(name, "", "")
	}
	if err := all.Parse([]string{"-test.v=1", "-rehearse.seed=7", "-sync-every=1s", "-words=it's so"}); err != nil {
		t.Fatal(err)
	}
	if got, want := again.OwnFlags(all), []string{"-sync-every=1s", `'-words=it'\''s so'`}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
