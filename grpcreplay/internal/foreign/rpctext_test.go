// The text form: its spaces, its missing types, its damage.

package foreign_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/foreign"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// textOf returns a file of the text form with these entries.
func textOf(entries ...string) []byte {
	var b strings.Builder
	b.WriteString("RPCReTxt1\n\"\"\n")
	for _, e := range entries {
		fmt.Fprintf(&b, "%d\n%s", len(e), e)
	}
	return []byte(b.String())
}

// entriesOf takes a file of the text form apart.
func entriesOf(t *testing.T, b []byte) (entries []string) {
	t.Helper()
	_, rest, _ := strings.Cut(string(b), "\n")
	_, rest, _ = strings.Cut(rest, "\n")
	for rest != "" {
		var n int
		if _, err := fmt.Sscanf(rest, "%d\n", &n); err != nil {
			t.Fatal(err)
		}
		_, rest, _ = strings.Cut(rest, "\n")
		entries = append(entries, rest[:n])
		rest = rest[n:]
	}
	return entries
}

var colon = regexp.MustCompile(`(?m)^(\s*\w+): `)

func TestSpacesThatVaryAreNoMatter(t *testing.T) {
	entries := entriesOf(t, sample(t, "grpcreplay.txt"))
	for i, e := range entries {
		entries[i] = colon.ReplaceAllString(e, "$1:  ")
	}
	same(t, tell(t, read(t, textOf(entries...), samples(t))), recorded)
}

func TestAllMissingTypesAreToldOnce(t *testing.T) {
	b := textOf(
		"kind: REQUEST method: \"/a/B\" "+
			"message: {[type.googleapis.com/google.protobuf.StringValue]: {value: \"[x.y/no.Type]\"}}\n",
		"kind: RESPONSE ref_index: 1 message: {\n  [type.googleapis.com/ pay.v1.Bill]: {\n"+
			"    any: {[example.com/pay.v1.Coin] {}}\n  }\n} # [x.y/no.Comment]\n",
		"kind: REQUEST method: '/a/B' message: {[type.googleapis.com/pay.v1.Coin]: {a: '\\'[x.y/no.Quote]'}}\n",
		"kind: RESPONSE ref_index: 3 message: {[type.googleapis.com/google.rpc.Status]: {}} is_error: true\n",
	)
	_, err := foreign.Read(b, samples(t), tape.Limits{})
	checkFault(t, err)
	if err == nil || !strings.Contains(err.Error(), "not known: pay.v1.Bill, pay.v1.Coin; import the packages") {
		t.Fatal(err)
	}
	if fault := err.(*tape.FormatError); fault.Line != 6 {
		t.Errorf("the first missing type is said to be in the entry of line %d: %v", fault.Line, err)
	}
}

func TestDamagedTextIsAFault(t *testing.T) {
	const request = "kind: REQUEST\nmethod: \"/a/B\"\n" +
		"message: {\n  [type.googleapis.com/google.protobuf.StringValue]: {}\n}\n"
	deep := strings.Repeat("a{", 100_000)
	for _, test := range []struct {
		b    string
		line int
		want string
	}{
		{"RPCReTxt1 ", 1, "not followed by the end of the line"},
		{"RPCReTxt1\n", 2, "cut within the initial state"},
		{"RPCReTxt1\n\"a\"", 2, "cut within the initial state"},
		{"RPCReTxt1\na\n", 2, "no string as Go quotes it"},
		{"RPCReTxt1\n\n1", 3, "cut within the number of bytes"},
		{"RPCReTxt1\n\n-1\n", 3, "should stand here, not \"-1\""},
		{"RPCReTxt1\n\n99999999999999999999\n", 3, "should stand here"},
		{"RPCReTxt1\n\n999999999\n", 3, "more than the 67108864 allowed"},
		{"RPCReTxt1\n\n9\n12345678", 3, "8 of its 9 bytes are there"},
		{string(textOf(request)) + "x\n", 9, "if the entry above was edited"},
		{string(textOf(request, "kind: RECV\nref_index: 7\n")), 10, "refers to entry 7"},
		{string(textOf(request, "kind: RESPONSE\nref_index: x\n")), 11, "entry 2 cannot be read"},
		{string(textOf(request, "kind: NONE\n")), 10, "entry 2 cannot be read"},
		{string(textOf("message: {[type.googleapis.com/google.protobuf.Struct]: {" + deep + "\n")), 4, "too deep"},
		{string(textOf("kind: 0\n")), 4, "of kind 0"},
	} {
		_, err := foreign.Read([]byte(test.b), samples(t), tape.Limits{})
		checkFault(t, err)
		fault, ok := err.(*tape.FormatError)
		if !ok || fault.Line != test.line || !strings.Contains(fault.Msg, test.want) {
			t.Errorf("%.80q gives %v, want %q on line %d", test.b, err, test.want, test.line)
		}
	}
}

func TestAnErrorOfTheTextNamesTheFilesLineOnly(t *testing.T) {
	_, err := foreign.Read(textOf("kind: REQUEST\n\n  nonsense: 1\n"), nil, tape.Limits{})
	if err == nil || !strings.HasPrefix(err.Error(), "line 6: ") || strings.Contains(err.Error(), "(line") {
		t.Errorf("the error is %v", err)
	}
}
