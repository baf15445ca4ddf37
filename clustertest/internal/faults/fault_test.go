// Faults as text: read as written, and told where they are wrong.

package faults_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest/internal/faults"
)

var texts = []string{
	"2.1s+5s part n0", "0s part n0,n1 n2", "1ms cut n0 n1,n2", "1m30s+1h0m0s ring a,b,c,d",
	"2s link n0 n1 latency=300ms", "2s link n0,n1 n2 perfect",
	"2s link a b latency=1s jitter=2ms bandwidth=3 queue=4 loss=0.5 duplicate=0.25 reorder=1 corrupt=1e-06",
	"3s+10ms slow n0 1024", "3s full n0:80", "3s reset n0", "3s reset n0,n1 n2", "3s reset n0>n1:80#0",
	"4s+1s crash n1", "4s kill n1", "4s+1s poweroff n0,n1", "4s stop n1", "4s pause n1", "4s restart n1",
	"5s clock n1 0.2", "5s+7ns clock n0,n1 1e+06",
	"6s+1s disk n1 slow 20ms", "6s disk n0,n1 sync eio", "6s disk n1 flip wal/00_1.log 100 3", "6s+1s disk n1 full",
}

func TestAFaultIsReadAsItIsWritten(t *testing.T) {
	seen := map[faults.Fault]bool{}
	for _, text := range texts {
		f, err := faults.Parse(text)
		if err != nil || f.String() != text {
			t.Errorf("%q is read as %q (%v)", text, f, err)
		}
		if seen[f] {
			t.Errorf("%q equals another fault", text)
		}
		seen[f] = true
	}
	f, err := faults.Parse(texts[0])
	if want := (faults.Fault{At: 2100 * time.Millisecond, For: 5 * time.Second, What: "part n0"}); f != want {
		t.Errorf("%q is read as %+v (%v)", texts[0], f, err)
	}
}

func TestAFaultMayBeWrittenMoreLoosely(t *testing.T) {
	for text, want := range map[string]string{
		"  2100ms+5000ms\tpart  n0 \n":          "2.1s+5s part n0",
		"0 crash n0":                            "0s crash n0",
		"1s clock n0 0.20":                      "1s clock n0 0.2",
		"1s slow n0 +7":                         "1s slow n0 7",
		"1s full n0:080":                        "1s full n0:80",
		"1s link a b perfect loss=0.10":         "1s link a b loss=0.1",
		"1s disk n0   sync    eio":              "1s disk n0 sync eio",
		"1s link a b loss=0.5 latency=1000ms  ": "1s link a b latency=1s loss=0.5",
	} {
		if f, err := faults.Parse(text); err != nil || f.String() != want {
			t.Errorf("%q is read as %q (%v), want %q", text, f, err, want)
		}
	}
}

func TestATextThatIsNoFaultIsToldWhere(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "at byte 0: a fault is expected",
		" \t":                       "at byte 0: a fault is expected",
		"2s":                        "at byte 2: what goes wrong is not said",
		"soon crash n0":             `at byte 0: "soon" is not a time`,
		"-1s crash n0":              `at byte 0: "-1s" is not a time`,
		"+1s crash n0":              `at byte 0: "" is not a time`,
		"2s+ crash n0":              `at byte 3: "" is not a time`,
		"2s+-1s crash n0":           `at byte 3: "-1s" is not a time`,
		"2s++1s crash n0":           `at byte 3: "+1s" is not a time`,
		"2 crash n0":                `at byte 0: "2" is not a time`,
		"2s+0s crash n0":            "at byte 3: it lasts no time",
		"2000000h+2000000h stop n0": "at byte 0: it ends after the end of time",
		"2s+1s reset n0":            "at byte 0: a reset is over at once",
		"2s+1s restart n0":          "at byte 0: a restart is over at once",
		"2s explode n0":             `at byte 3: no kind "explode"; there are [crash kill`,
		"2s down n0":                `at byte 3: no kind "down"`,
		"2s crash":                  "at byte 3: crash takes 1 word, not 0",
		"2s crash n0 n1":            "at byte 3: crash takes 1 word, not 2",
		"2s cut n0":                 "at byte 3: cut takes 2 words, not 1",
		"2s part a b c":             "at byte 3: part takes 1 to 2 words, not 3",
		"2s disk n0":                "at byte 3: disk takes at least 2 words, not 1",
		"2s  crash n0,,n1":          `at byte 10: "" cannot be a host's name`,
		"2s crash n0:1":             `at byte 9: "n0:1" cannot be a host's name`,
		"2s crash localhost":        `at byte 9: "localhost" cannot be a host's name`,
		"2s crash n0,n0":            `at byte 9: "n0" is named twice`,
		"2s part n0 n1,n0":          `at byte 11: "n0" is named twice`,
		"2s part n0,n0 n1":          `at byte 8: "n0" is named twice`,
		"2s link n0 n0 loss=1":      `at byte 11: "n0" is named twice`,
		"2s link n0 n1 loss=2":      "at byte 3: vnet: fault",
		"2s link n0 n1 colour=red":  "at byte 3: vnet: fault",
		"2s slow n0 0":              "at byte 3: vnet: fault",
		"2s slow n0 1 2":            "at byte 3: slow takes 2 words, not 3",
		"2s ring a,b,c":             "at byte 8: a ring of fewer than 4",
		"2s clock n0 0":             `at byte 12: "0" is not a rate`,
		"2s clock n0 -1":            `at byte 12: "-1" is not a rate`,
		"2s clock n0 NaN":           `at byte 12: "NaN" is not a rate`,
		"2s clock n0 Inf":           `at byte 12: "Inf" is not a rate`,
		"2s full n0":                `at byte 8: "n0" is not an address`,
		"2s full n0:0":              `at byte 8: "n0:0" is not an address`,
		"2s full n0:http":           `at byte 8: "n0:http" is not an address`,
		"2s full n0,n1:80":          `at byte 8: "n0,n1:80" is not an address`,
		"2s reset a>b:1#0 c":        "at byte 17: a reset names one connection",
		"2s disk n0 a;b":            `at byte 11: "a;b" holds what cannot be printed`,
		"2s disk n0 \x00":           "at byte 11:",
		"2s disk n0 \xff":           "at byte 11:",
	} {
		f, err := faults.Parse(text)
		if told := fmt.Sprint(err); !strings.Contains(told, want) || !strings.Contains(told, fmt.Sprintf("%q", text)) {
			t.Errorf("%q is read as %+v: %s\n\twant an error with it and %q", text, f, told, want)
		}
	}
}

func TestWhatAFaultDoesIsTakenApart(t *testing.T) {
	for text, want := range map[string]faults.Deed{
		"crash n0,n1":            {Kind: "crash", Hosts: []string{"n0", "n1"}},
		"clock n0 0.5":           {Kind: "clock", Hosts: []string{"n0"}, Rate: 0.5},
		"part a b,c":             {Kind: "part", Hosts: []string{"a"}, Others: []string{"b", "c"}},
		"link a b latency=1s":    {Kind: "link", Hosts: []string{"a"}, Others: []string{"b"}, Words: "latency=1s"},
		"full a:80":              {Kind: "full", Hosts: []string{"a"}, Words: "80"},
		"reset a>b:1#0":          {Kind: "reset", Words: "a>b:1#0"},
		"reset a b":              {Kind: "reset", Hosts: []string{"a"}, Others: []string{"b"}},
		"disk a flip wal 100 3 ": {Kind: "disk", Hosts: []string{"a"}, Words: "flip wal 100 3"},
	} {
		if d, err := faults.ParseDeed(text); err != nil || fmt.Sprintf("%#v", d) != fmt.Sprintf("%#v", want) {
			t.Errorf("%q is %#v (%v)\nwant %#v", text, d, err, want)
		}
	}
	if _, err := faults.ParseDeed("crash n0:1"); err == nil || !strings.Contains(err.Error(), "at byte 6") {
		t.Errorf("no place in %v", err)
	}
	if d, err := faults.ParseDeed(""); err == nil {
		t.Errorf("nothing is %+v", d)
	}
}

func TestADeedOfTheNetworkIsSaidInTheNetworksWords(t *testing.T) {
	for text, want := range map[string]string{
		"part a":                 "[part a]",
		"cut a b,c":              "[cut a b,c]",
		"link a b latency=1s":    "[link a b latency=1s]",
		"slow a 7":               "[slow a 7]",
		"full a:80":              "[full a:80]",
		"reset a>b:80#0":         "[reset a>b:80#0]",
		"ring a,b,c,d":           "[part a c part b d]",
		"ring a,b,c,d,e":         "[part a c,d part b d,e part c e]",
		"reset a":                "[]",
		"crash a":                "[]",
		"pause a":                "[]",
		"disk a sync eio":        "[]",
		"clock a 2":              "[]",
		"reset a b":              "[]",
		"ring a,b,c,d,e,f":       "[part a c,d,e part b d,e,f part c e,f part d f]",
		"link a b,c bandwidth=8": "[link a b,c bandwidth=8]",
	} {
		d, err := faults.ParseDeed(text)
		if got := fmt.Sprint(d.Network()); err != nil || got != want {
			t.Errorf("%q is %s on the network (%v), want %s", text, got, err, want)
		}
	}
}

func TestADeedMadeUpIsMisuse(t *testing.T) {
	defer func() {
		if told := fmt.Sprint(recover()); !strings.HasPrefix(told, "faults: ") {
			t.Errorf("it panicked with %q", told)
		}
	}()
	faults.Deed{Kind: "cut", Hosts: []string{"a"}}.Network()
}

func FuzzParse(f *testing.F) {
	for _, text := range texts {
		f.Add(text)
	}
	f.Add("1s clock n0 0x1p-2")
	f.Add("9223372036854775807ns+1ns full a:65535")
	f.Fuzz(func(t *testing.T, text string) {
		one, err := faults.Parse(text)
		if err != nil {
			return
		}
		again, err := faults.Parse(one.String())
		if err != nil || again != one {
			t.Fatalf("%q is %+v, whose text %q is %+v (%v)", text, one, one, again, err)
		}
		d, err := faults.ParseDeed(one.What)
		if err != nil || d.String() != one.What {
			t.Fatalf("%q does %q (%v)", one, d, err)
		}
		d.Network()
		if err := faults.Conflicts(faults.List{one}, nil); err != nil {
			t.Fatal(err)
		}
		for _, s := range faults.Simpler(one) {
			if err := faults.Conflicts(faults.List{s}, nil); err != nil || s == one {
				t.Fatalf("%q is no simpler than %q (%v)", s, one, err)
			}
		}
	})
}
