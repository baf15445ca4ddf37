// The words of a rule's text: what they mean and which values they take.

package kafkatest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rehearse-go/rehearse/rule"
	"github.com/twmb/franz-go/pkg/kerr"
)

// A reading is what the settings of a rule say together.
type reading struct {
	topic      string
	partitions []int32
	values     map[string]string
}

func readSettings(settings []setting) reading {
	r := reading{values: map[string]string{}}
	for _, s := range settings {
		r.values[s.key] = s.value
	}
	r.topic = r.values["topic"]
	r.partitions, _ = numbers(r.values["partition"])
	return r
}

// numbers reads partitions separated by commas.
func numbers(s string) (list []int32, err error) {
	if s == "" {
		return nil, nil
	}
	for _, word := range strings.Split(s, ",") {
		n, err := strconv.ParseInt(word, 10, 32)
		if err != nil || n < 0 {
			return nil, errors.New("want partitions, such as 0 or 0,2")
		}
		list = append(list, int32(n))
	}
	return list, nil
}

// versions returns the lowest and highest version, if the rule has them.
func (r reading) versions() (span [2]int, ok bool) {
	if r.values["versions"] == "" {
		return span, false
	}
	span, err := versionSpan(r.values["versions"])
	return span, err == nil
}

// versionSpan reads versions such as 7 or 3-9.
func versionSpan(s string) (span [2]int, err error) {
	low, high, ranged := strings.Cut(s, "-")
	if !ranged {
		high = low
	}
	a, errA := strconv.ParseUint(low, 10, 15)
	b, errB := strconv.ParseUint(high, 10, 15)
	if errA != nil || errB != nil || a > b {
		return span, errors.New("want versions, such as 7 or 3-9")
	}
	return [2]int{int(a), int(b)}, nil
}

// counted returns w for those times that the rule says.
func (r reading) counted(w rule.When[Exchange], seed uint64) rule.When[Exchange] {
	n := func(key string) int {
		n, _ := strconv.Atoi(r.values[key])
		return n
	}
	switch {
	case r.values["nth"] != "":
		return w.Nth(n("nth"))
	case r.values["first"] != "":
		return w.Between(1, n("first"))
	case r.values["after"] != "":
		return w.After(n("after"))
	case r.values["every"] != "":
		return w.Every(n("every"))
	case r.values["chance"] != "":
		p, _ := strconv.ParseFloat(r.values["chance"], 64)
		if own, err := strconv.ParseUint(r.values["seed"], 0, 64); err == nil {
			seed = own
		}
		return w.Chance(p, seed)
	}
	return w
}

// checks say what is wrong with a setting's value. A setting that is not
// among them is not one.
var checks = map[string]func(string) error{
	"topic": nonEmpty, "group": nonEmpty, "txn": nonEmpty, "client": anyText, "principal": nonEmpty,
	"listener": nonEmpty,
	"broker":   func(s string) error { return number(s, 0) },
	"partition": func(s string) error {
		list, err := numbers(s)
		if err == nil && list == nil {
			err = errors.New("want partitions, such as 0 or 0,2")
		}
		return err
	},
	"versions": func(s string) error { _, err := versionSpan(s); return err },
	"nth":      func(s string) error { return number(s, 1) },
	"first":    func(s string) error { return number(s, 1) },
	"after":    func(s string) error { return number(s, 0) },
	"every":    func(s string) error { return number(s, 1) },
	"chance": func(s string) error {
		if p, err := strconv.ParseFloat(s, 64); err != nil || !(0 <= p && p <= 1) {
			return errors.New("want a chance between 0 and 1")
		}
		return nil
	},
	"seed": func(s string) error {
		if _, err := strconv.ParseUint(s, 0, 64); err != nil {
			return errors.New("want a seed, a number that is not negative")
		}
		return nil
	},
}

// counts are the settings of which a rule has one at most.
var counts = []string{"nth", "first", "after", "every", "chance"}

func anyText(string) error { return nil }

func nonEmpty(s string) error {
	if s == "" {
		return errors.New("want a name")
	}
	return nil
}

func number(s string, least int64) error {
	if n, err := strconv.ParseInt(s, 10, 32); err != nil || n < least {
		return fmt.Errorf("want a number, at least %d", least)
	}
	return nil
}

// settingNames lists the settings for people.
func settingNames() string { return strings.Join(slices.Sorted(maps.Keys(checks)), ", ") }

// makeAction makes an action of its words, or says what is allowed.
func makeAction(name, value string) (action, error) {
	a := action{name: name, value: value}
	makes, known := actions[name]
	if !known {
		return a, fmt.Errorf("no action %q; there are %s", name, strings.Join(slices.Sorted(maps.Keys(actions)), ", "))
	}
	apply, err := makes(value)
	a.apply = apply
	return a, err
}

// actions make what the actions of a rule do, by name.
var actions = map[string]func(value string) (func(*Verdict), error){
	"error":     errorAction,
	"delay":     durationAction(func(v *Verdict, d time.Duration) { v.Delay = d }),
	"throttle":  durationAction(func(v *Verdict, d time.Duration) { v.Throttle = d }),
	"close":     cutAction(Close),
	"reset":     cutAction(Reset),
	"half":      cutAction(Half),
	"silence":   cutAction(Silence),
	"blackhole": cutAction(Blackhole),
	"frame":     frameAction,
	"records":   recordsAction,
}

// newNames are the names that Kafka gave to errors later.
var newNames = map[string]string{"NOT_LEADER_OR_FOLLOWER": kerr.NotLeaderForPartition.Message}

func errorAction(value string) (func(*Verdict), error) {
	name := cmp.Or(newNames[value], value)
	for code := int16(-1); code < 1000; code++ {
		if err, ok := kerr.ErrorForCode(code).(*kerr.Error); ok && err.Message == name {
			return func(v *Verdict) { v.Err = err }, nil
		}
	}
	return nil, fmt.Errorf("no error %q; want a name of Kafka's, such as NOT_LEADER_OR_FOLLOWER", value)
}

func durationAction(set func(*Verdict, time.Duration)) func(string) (func(*Verdict), error) {
	return func(value string) (func(*Verdict), error) {
		d, err := time.ParseDuration(value)
		if err != nil || d < 0 {
			return nil, fmt.Errorf("%q is not a duration; want one such as 200ms", value)
		}
		return func(v *Verdict) { set(v, d) }, nil
	}
}

func cutAction(cut Cut) func(string) (func(*Verdict), error) {
	return func(value string) (func(*Verdict), error) {
		if value != "" {
			return nil, fmt.Errorf("%s takes nothing behind it, not %q", cut, value)
		}
		return func(v *Verdict) { v.Cut = cut }, nil
	}
}

// frameAction reads what is done to a frame: truncate 10, length 2147483647,
// correlation, garble.
func frameAction(value string) (func(*Verdict), error) {
	what, amount, _ := strings.Cut(value, " ")
	n, err := strconv.ParseInt(amount, 10, 32)
	var edit func([]byte) []byte
	switch {
	case what == "correlation" && amount == "":
		edit = WrongCorrelation
	case what == "garble" && amount == "":
		edit = Garble(1)
	case what == "truncate" && err == nil && n >= 0:
		edit = TruncateTo(int(n))
	case what == "length" && err == nil:
		edit = ClaimLength(int32(n))
	default:
		return nil, errors.New("want frame correlation, frame garble, frame truncate N or frame length N")
	}
	return func(v *Verdict) { v.Frame = edit }, nil
}

func recordsAction(value string) (func(*Verdict), error) {
	edits := map[string]func([]byte) []byte{
		"corrupt": CorruptRecords, "magic": UnknownMagic, "half": HalveRecords, "twice": RepeatRecords,
	}
	edit, known := edits[value]
	if !known {
		return nil, fmt.Errorf("want records %s", strings.Join(slices.Sorted(maps.Keys(edits)), ", records "))
	}
	return func(v *Verdict) { v.Records = edit }, nil
}
