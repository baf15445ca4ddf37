// Tests of what is written about rehearse log: it is what the commands say.

package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

const logPage = "../../docs/log.md"

// logTable begins and ends a table of docs/log.md.
func logTable(of string) (begins, ends string) {
	return "<!-- the table of " + of + " is written by: go test ./cmd/rehearse -run Documentation -update -->\n",
		"<!-- end of the table of " + of + " -->\n"
}

func TestTheDocumentationHasTheTablesOfLog(t *testing.T) {
	name := filepath.FromSlash(logPage)
	text := readText(t, name)
	want := text
	for of, table := range map[string]string{
		"serve":   fieldTable(reflect.TypeFor[nodeConfig](), logDocs),
		"clients": flagTable(reflect.TypeFor[clientConfig]()),
		"others":  commandTable(),
	} {
		begins, ends := logTable(of)
		before, rest, begun := strings.Cut(want, begins)
		_, after, ended := strings.Cut(rest, ends)
		if !begun || !ended {
			t.Fatalf("%s has no place for the table of %s", name, of)
		}
		want = before + begins + "\n" + table + "\n" + ends + after
	}
	agree(t, name, text, want)
}

// flagTable returns the table of flags that all clients have.
func flagTable(t reflect.Type) string {
	var b strings.Builder
	b.WriteString("| flag | |\n|---|---|\n")
	for f := range fieldsOf(t) {
		name, _ := flagOf(f)
		value := &fieldFlag{f, reflect.New(f.Type).Elem(), f.Tag.Get("key")}
		fmt.Fprintf(&b, "| `%s` | %s |\n", strings.TrimSuffix("--"+name+" "+value.Type(), " bool"), logDocs[name])
	}
	return b.String()
}

// flagLine is what the help says of a flag: its name, its value, its words.
var flagLine = regexp.MustCompile(`(?m)^ +(?:-\w, )?--([\w-]+) ?(\S*) {2,}(.*)$`)

// commandTable returns the table of the flags that one command has alone.
func commandTable() string {
	common := map[string]bool{}
	for f := range fieldsOf(reflect.TypeFor[clientConfig]()) {
		name, _ := flagOf(f)
		common[name] = true
	}
	var b strings.Builder
	b.WriteString("| command | flag | |\n|---|---|---|\n")
	for _, c := range logCommand().Commands() {
		own := common
		if c.Name() == "health" {
			own = nil // it is no client, and has a timeout of its own
		}
		for _, m := range flagLine.FindAllStringSubmatch(c.LocalFlags().FlagUsages(), -1) {
			if own[m[1]] || c.Name() == "serve" || m[1] == "help" {
				continue
			}
			fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", c.Name(), strings.TrimSpace("--"+m[1]+" "+m[2]), m[3])
		}
	}
	return b.String()
}

func TestEveryKeyOfLogHasItsWords(t *testing.T) {
	known := map[string]bool{}
	collectKeys(known, reflect.TypeFor[nodeConfig](), "")
	collectKeys(known, reflect.TypeFor[clientConfig](), "")
	for key := range known {
		if words := logDocs[key]; words == "" || strings.HasSuffix(words, ".") {
			t.Errorf("%s: logDocs says %q", key, words)
		}
	}
	for key := range logDocs {
		if !known[key] {
			t.Errorf("logDocs tells of %s, which is no key", key)
		}
	}
}

// TestAKeyIsItsFlag holds names together: of flags, keys and, by them,
// variables.
func TestAKeyIsItsFlag(t *testing.T) {
	for _, of := range []reflect.Type{reflect.TypeFor[nodeConfig](), reflect.TypeFor[clientConfig]()} {
		for f := range fieldsOf(of) {
			if name, letter := flagOf(f); name != f.Tag.Get("yaml") || letter != "" {
				t.Errorf("the key %s has the flag %s", f.Tag.Get("yaml"), name)
			}
		}
	}
}

func TestTheExampleOfALogsFileIsAConfiguration(t *testing.T) {
	_, rest, _ := strings.Cut(readText(t, filepath.FromSlash(logPage)), "```yaml\n")
	example, _, ends := strings.Cut(rest, "```\n")
	var c nodeConfig
	if err := decodeYAML("log.md", []byte(example), &c); err != nil || !ends {
		t.Fatalf("%v\n%s", err, example)
	}
	if c.NodeName != "n1" || len(c.Join) != 2 || c.ServerCert == "" || c.RetainAge.duration() == 0 {
		t.Errorf("the example reads as %+v", c)
	}
}

// logLine finds commands in the documentation's indented blocks.
var logLine = regexp.MustCompile(`(?m)^    (?:.*\| *)?rehearse log ([a-z]+)((?: .*|\\\n)*)$`)

// TestTheCommandsOfLogsDocumentationHaveFlagsThatThereAre holds each flag in
// docs/log.md, and in the examples of the help, against the command.
func TestTheCommandsOfLogsDocumentationHaveFlagsThatThereAre(t *testing.T) {
	text := readText(t, filepath.FromSlash(logPage))
	for _, c := range logCommand().Commands() {
		text += strings.ReplaceAll("\n"+c.Example, "\n  ", "\n    ")
	}
	found := logLine.FindAllStringSubmatch(text, -1)
	if len(found) < 15 {
		t.Errorf("only %d commands are found", len(found))
	}
	for _, m := range found {
		c, _, err := logCommand().Find([]string{m[1]})
		if err != nil {
			t.Errorf("%s: %v", m[0], err)
			continue
		}
		for _, word := range strings.Fields(m[2]) {
			name, isFlag := strings.CutPrefix(strings.SplitN(word, "=", 2)[0], "--")
			if isFlag && c.Flags().Lookup(name) == nil {
				t.Errorf("%s: rehearse log %s has no --%s", m[0], m[1], name)
			}
		}
	}
	for _, flag := range regexp.MustCompile("`--([a-z-]+)`").FindAllStringSubmatch(text, -1) {
		if !isFlagOfLog(flag[1]) {
			t.Errorf("the documentation tells of --%s, which no command has", flag[1])
		}
	}
}

// isFlagOfLog holds for flags that one of the commands has.
func isFlagOfLog(name string) bool {
	for _, c := range logCommand().Commands() {
		if c.Flags().Lookup(name) != nil {
			return true
		}
	}
	return false
}

func TestTheHelpOfServeNamesEveryFlag(t *testing.T) {
	var out bytes.Buffer
	if code := run(t.Context(), []string{"log", "serve", "--help"}, streams{nil, &out, &out}); code != exitDone {
		t.Fatalf("the help ends with %d", code)
	}
	for _, flag := range strings.Fields(`config-file data-dir node-name bind-addr rpc-port rpc-addr advertise-addr
		start-join-addrs bootstrap acl-model-file acl-policy-file server-tls-cert-file server-tls-key-file
		server-tls-ca-file peer-tls-cert-file peer-tls-key-file peer-tls-ca-file gossip-key-file health-addr
		gateway-addr retain-bytes retain-age segment-bytes remove-after heartbeat election-ticks plaintext
		canonical-codes log-level log-format shutdown-timeout leave`) {
		if !strings.Contains(out.String(), "--"+flag+" ") {
			t.Errorf("the help does not name --%s", flag)
		}
	}
}
