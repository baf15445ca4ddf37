// Exactly one subtest, as go test's -run names it.

package again

import (
	"cmp"
	"flag"
	"os"
	"runtime/debug"
	"strings"
)

// Pattern is the -run pattern of exactly the test of that full name, such as
// ^TestTransfer$/^3:2$. It can stand in a shell's single quotes.
func Pattern(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = "^" + quote(p) + "$"
	}
	return strings.Join(parts, "/")
}

// special is what means something else than itself in a regular expression.
const special = `\.+*?()|[]{}^$`

// quote quotes what is special to a regular expression. A single quote, which
// would end a shell's string, becomes any character.
func quote(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case strings.ContainsRune(special, r):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\'':
			b.WriteByte('.')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Command is the command line that runs exactly the test of that full name, in
// the package of this test binary, with these flags and with those of the
// package's own that this process was given, in the mode of clusters that the
// environment chose.
func Command(name string, flags ...string) string {
	words := append([]string{"go test -run", "'" + Pattern(name) + "'", packagePath()}, flags...)
	if mode := os.Getenv(modeVar); mode != "" {
		words = append([]string{modeVar + "=" + mode}, words...)
	}
	return strings.Join(append(words, ownFlags(flag.CommandLine)...), " ")
}

// modeVar chooses the mode of clusters.
const modeVar = "REHEARSE_MODE"

// ownFlags are the flags that were given, but for go test's and Rehearse's.
func ownFlags(all *flag.FlagSet) (own []string) {
	all.Visit(func(f *flag.Flag) {
		if !strings.HasPrefix(f.Name, "test.") && !strings.HasPrefix(f.Name, "rehearse.") {
			own = append(own, shellWord("-"+f.Name+"="+f.Value.String()))
		}
	})
	return own
}

// shellWord quotes what a shell would not leave as it is.
func shellWord(s string) string {
	const others = "-_=.,:/+@%"
	plain := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune(others, r)
	}
	if strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// packagePath is the tested package as go test names it.
func packagePath() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "."
	}
	return cmp.Or(strings.TrimSuffix(info.Path, ".test"), ".")
}

// Named returns the name of the one subtest of the test with that full name
// that this process's -run flag asks for, if it asks for exactly one, as a
// pattern of [Pattern]'s making does. A subtest of that name may not exist:
// whoever makes subtests out of names can make it.
func Named(parent string) (subtest string, ok bool) {
	f := flag.Lookup("test.run")
	if f == nil {
		return "", false
	}
	return named(f.Value.String(), parent)
}

func named(pattern, parent string) (subtest string, ok bool) {
	parts, ok := split(pattern)
	depth := strings.Count(parent, "/") + 1
	if !ok || len(parts) <= depth {
		return "", false
	}
	exact, starts := strings.CutPrefix(parts[depth], "^")
	exact, ends := strings.CutSuffix(exact, "$")
	if !starts || !ends {
		return "", false
	}
	return unquote(exact)
}

// split cuts a pattern at the slashes that go test cuts it at: not within
// brackets or parentheses. It fails with alternatives of whole patterns.
func split(pattern string) (parts []string, ok bool) {
	from, classes, groups := 0, 0, 0
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\':
			i++
		case c == '[':
			classes++
		case c == ']':
			classes = max(classes-1, 0)
		case classes > 0:
		case c == '(':
			groups++
		case c == ')':
			groups--
		case groups > 0:
		case c == '|':
			return nil, false
		case c == '/':
			parts = append(parts, pattern[from:i])
			from = i + 1
		}
	}
	return append(parts, pattern[from:]), true
}

// unquote undoes quote; it fails when s stands for more than one name.
func unquote(s string) (name string, ok bool) {
	var b strings.Builder
	quoted := false
	for _, r := range s {
		isSpecial := strings.ContainsRune(special, r)
		switch {
		case !quoted && r == '\\':
			quoted = true
			continue
		case quoted != isSpecial:
			return "", false
		}
		quoted = false
		b.WriteRune(r)
	}
	return b.String(), !quoted && b.Len() > 0
}
