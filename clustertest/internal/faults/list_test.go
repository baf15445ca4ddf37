// Lists of faults, as text and as the names of subtests.

package faults_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/clustertest/internal/faults"
)

// read reads a list that is right.
func read(text string) faults.List {
	l, err := faults.ParseList(text)
	if err != nil {
		panic(err)
	}
	return l
}

func TestAListIsReadAsItIsWritten(t *testing.T) {
	for _, text := range []string{"", texts[0], strings.Join(texts, "; ")} {
		if l := read(text); l.String() != text {
			t.Errorf("%q is read as %q", text, l)
		}
	}
	if l := read(" 1s crash a;2s stop b\n; 3s kill c"); l.String() != "1s crash a; 2s stop b; 3s kill c" {
		t.Errorf("with other space it is %q", l)
	}
}

func TestAListThatIsWrongIsToldWhere(t *testing.T) {
	for text, want := range map[string]string{
		"1s crash a;":              "at byte 11: a fault is expected",
		"; 1s crash a":             "at byte 0: a fault is expected",
		"1s crash a; ; 2s crash b": "at byte 11: a fault is expected",
		"1s crash a; 2s crush b":   `at byte 15: no kind "crush"`,
		"1s crash a; 2s":           "at byte 14: what goes wrong",
	} {
		if l, err := faults.ParseList(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is read as %q: %v\n\twant %q", text, l, err, want)
		}
	}
}

func TestTheNameOfASubtestIsAList(t *testing.T) {
	for text, name := range map[string]string{
		"":                                "none",
		"2.1s+5s part n0":                 "2.1s+5s_part_n0",
		"2.1s+5s part n0; 7s+1s crash n1": "2.1s+5s_part_n0;7s+1s_crash_n1",
		"1s crash a_b":                    "1s_crash_a%5Fb",
		"1s disk a flip wal/1_2 3 4":      "1s_disk_a_flip_wal%2F1%5F2_3_4",
		"1s disk a it's 100%":             "1s_disk_a_it%27s_100%25",
		"1s crash zürich":                 "1s_crash_zürich",
		"1s reset a>b:80#0":               "1s_reset_a>b:80#0",
	} {
		l := read(text)
		if got := faults.ToName(l); got != name {
			t.Errorf("%q is named %q, want %q", text, got, name)
		}
		if back, err := faults.FromName(name); err != nil || !slices.Equal(back, l) {
			t.Errorf("%q is read as %q (%v), want %q", name, back, err, text)
		}
	}
}

func TestTestingLeavesANameAsItIs(t *testing.T) {
	var all faults.List
	for _, text := range texts {
		all = append(all, read(text)...)
	}
	odd := read("1s disk a_b it's 100% /wal[1]* \\ \"x\" (y|z) #01")
	for _, l := range []faults.List{nil, all, slices.Concat(all, all, all, all), odd} {
		name := faults.ToName(l)
		t.Run(name, func(s *testing.T) {
			if want := t.Name() + "/" + name; s.Name() != want {
				t.Errorf("testing made %q of %q", s.Name(), want)
			}
		})
	}
}

func TestANameThatIsNoListIsToldWhere(t *testing.T) {
	for name, want := range map[string]string{
		"":               `that of no fault is "none"`,
		"_":              `that of none is "none"`,
		"none;none":      `at byte 0: "none" is not a time`,
		"1s_crash":       "at byte 3: crash takes 1 word",
		"1s_crash_a%5":   "at byte 10: % is followed",
		"1s_crash_a%":    "at byte 10: % is followed",
		"1s_crash_a%41":  "at byte 10: % is followed",
		"1s_crash_a%3B":  "at byte 10: % is followed",
		"1s_crash_a%+2":  "at byte 10: % is followed",
		"1s crash a":     `at byte 2: a name holds no ' '`,
		"1s_crash_a/b":   `at byte 10: a name holds no '/'`,
		"1s_crash_a;":    "at byte 11: a fault is expected",
		"1s_crash_a#01":  "cannot be a host's name",
		"1s_crash_a;2s_": "at byte 14: what goes wrong",
	} {
		if l, err := faults.FromName(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is read as %q: %v\n\twant %q", name, l, err, want)
		}
	}
}

func FuzzParseList(f *testing.F) {
	f.Add(strings.Join(texts, ";"))
	f.Add(" ")
	f.Fuzz(func(t *testing.T, text string) {
		one, err := faults.ParseList(text)
		if err != nil {
			return
		}
		again, err := faults.ParseList(one.String())
		if err != nil || !slices.Equal(again, one) {
			t.Fatalf("%q is %q, and that is %q (%v)", text, one, again, err)
		}
		again, err = faults.FromName(faults.ToName(one))
		if err != nil || !slices.Equal(again, one) {
			t.Fatalf("%q is named %q, and that is %q (%v)", text, faults.ToName(one), again, err)
		}
	})
}

func FuzzFromName(f *testing.F) {
	f.Add("none")
	f.Add("2.1s+5s_part_n0;7s+1s_crash_n1")
	f.Add("1s_disk_a%5Fb_flip_wal%2F1_%25_%27")
	f.Fuzz(func(t *testing.T, name string) {
		one, err := faults.FromName(name)
		if err != nil {
			return
		}
		again, err := faults.FromName(faults.ToName(one))
		if err != nil || !slices.Equal(again, one) {
			t.Fatalf("%q is %q, whose name %q is %q (%v)", name, one, faults.ToName(one), again, err)
		}
	})
}
