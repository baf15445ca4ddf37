// A deed: what a fault does, taken apart.

package faults

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rehearse-go/rehearse/vnet"
)

// A Deed is the What of a fault, taken apart: who applies a fault looks here.
type Deed struct {
	Kind   string   // the first word
	Hosts  []string // whom it befalls
	Others []string // the other side of part, cut, link and reset; of part and reset it may be empty
	Rate   float64  // of clock: 0.5 is half as fast; positive
	Words  string   // of link, slow, full, disk and of a connection's reset: what is said besides
}

// kinds are the first words there are, in the order in which errors tell them.
var kinds = []string{
	"crash", "kill", "poweroff", "stop", "pause", "clock", "restart",
	"part", "cut", "ring", "link", "slow", "full", "reset", "disk",
}

// String returns the deed's text.
func (d Deed) String() string {
	if d.Kind == "full" {
		return d.Kind + " " + strings.Join(d.Hosts, ",") + ":" + d.Words
	}
	words := []string{d.Kind, strings.Join(d.Hosts, ","), strings.Join(d.Others, ",")}
	if d.Kind == "clock" {
		words = append(words, strconv.FormatFloat(d.Rate, 'g', -1, 64))
	}
	words = append(words, d.Words)
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), " ")
}

// ParseDeed reads what a fault does: the text of a Fault without its times.
// An error tells at which byte of the text, from 0, it went wrong. Of a disk's
// words nothing is checked.
func ParseDeed(text string) (Deed, error) {
	d, wrong := readDeed(split(text))
	if wrong != nil {
		return Deed{}, wrong.in(text)
	}
	return d, nil
}

// Momentary tells whether the deed is over as soon as it is done, so that
// there is no end to it: reset, restart, and a disk's flip.
func (d Deed) Momentary() bool {
	return d.Kind == "reset" || d.Kind == "restart" || d.flips()
}

// scars tells whether what the deed does outlives it: a disk that flipped a
// bit or lied about a sync may have lost what nobody will write again.
func (d Deed) scars() bool {
	words := strings.Fields(d.Words)
	return d.flips() || d.Kind == "disk" && len(words) > 1 && words[1] == "lie"
}

// flips tells whether it is a disk's "flip". The words behind may be the names
// of files.
func (d Deed) flips() bool {
	words := strings.Fields(d.Words)
	return d.Kind == "disk" && len(words) > 0 && words[0] == "flip"
}

// ofProgram tells whether the deed is one of a node's program, of which the
// node suffers one at a time.
func (d Deed) ofProgram() bool {
	switch d.Kind {
	case "crash", "kill", "poweroff", "stop", "pause", "clock", "restart":
		return true
	}
	return false
}

// Network returns the faults of a virtual network that are the deed, all to be
// applied and all to be ended together. It is empty for what befalls nodes and
// disks, and for a reset that names hosts, which is one reset for each of the
// connections there are then. It panics if ParseDeed could not have made d.
func (d Deed) Network() (list []vnet.Fault) {
	switch d.Kind {
	case "ring":
		for i, host := range d.Hosts {
			if far := d.beyond(i); len(far) > 0 {
				list = append(list, vnet.Fault{Kind: "part", A: host, B: strings.Join(far, ",")})
			}
		}
		return list
	case "reset":
		if d.Words == "" {
			return nil
		}
	case "part", "cut", "link", "slow", "full":
	default:
		return nil
	}
	f, err := vnet.ParseFault(d.String())
	if err != nil {
		panic("faults: " + err.Error())
	}
	return []vnet.Fault{f}
}

// beyond returns those later in a ring than its i-th host and not beside it.
func (d Deed) beyond(i int) (far []string) {
	for j := i + 2; j < len(d.Hosts); j++ {
		if (j+1)%len(d.Hosts) != i {
			far = append(far, d.Hosts[j])
		}
	}
	return far
}

// readDeed reads the words of a deed.
func readDeed(words []word) (d Deed, wrong *misreading) {
	if len(words) == 0 {
		return d, &misreading{0, fmt.Errorf("there are the kinds %v", kinds)}
	}
	for _, w := range words {
		if strings.ContainsFunc(w.text, unfit) {
			return d, w.wrong("%q holds what cannot be printed, or a semicolon", w.text)
		}
	}
	d.Kind = words[0].text
	if !slices.Contains(kinds, d.Kind) {
		return d, words[0].wrong("no kind %q; there are %v", d.Kind, kinds)
	}
	return d, d.read(words[0], words[1:])
}

// unfit tells which characters no text of a fault may hold.
func unfit(r rune) bool { return r == ';' || r == utf8.RuneError || !strconv.IsPrint(r) }

// arguments is how many words follow each kind, at least and at most. Those
// not named take one.
var arguments = map[string][2]int{
	"clock": {2, 2}, "part": {1, 2}, "cut": {2, 2}, "link": {3, 10}, "slow": {2, 2}, "reset": {1, 2},
	"disk": {2, math.MaxInt},
}

// read reads what follows the kind.
func (d *Deed) read(kind word, words []word) *misreading {
	most, known := arguments[d.Kind]
	if !known {
		most = [2]int{1, 1}
	}
	if n := len(words); n < most[0] || n > most[1] {
		return kind.wrong("%s takes %s, not %d", d.Kind, span(most), n)
	}
	switch {
	case d.Kind == "full":
		return d.readAddress(words[0])
	case d.Kind == "reset" && strings.Contains(words[0].text, ">"):
		return d.readConnection(words)
	}
	if wrong := d.readHosts(words[0], &d.Hosts); wrong != nil {
		return wrong
	}
	switch rest := words[1:]; d.Kind {
	case "clock":
		return d.readRate(rest[0])
	case "ring":
		if len(d.Hosts) < 4 {
			return words[0].wrong("a ring of fewer than 4 cuts nothing")
		}
		return nil
	case "part", "cut", "reset":
		return d.readOthers(rest)
	case "link", "slow":
		return d.readSetting(kind, rest)
	default:
		d.Words = joined(rest)
		return nil
	}
}

// span writes how many words there may be.
func span(most [2]int) string {
	switch {
	case most[1] == math.MaxInt:
		return fmt.Sprintf("at least %d words", most[0])
	case most[0] == most[1] && most[0] == 1:
		return "1 word"
	case most[0] == most[1]:
		return fmt.Sprintf("%d words", most[0])
	}
	return fmt.Sprintf("%d to %d words", most[0], most[1])
}

func joined(words []word) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = w.text
	}
	return strings.Join(texts, " ")
}

// readHosts reads "n0,n1", each host once.
func (d *Deed) readHosts(list word, hosts *[]string) *misreading {
	for name := range strings.SplitSeq(list.text, ",") {
		switch {
		case !isName(name):
			return list.wrong("%q cannot be a host's name", name)
		case slices.Contains(d.Hosts, name) || slices.Contains(*hosts, name):
			return list.wrong("%q is named twice", name)
		}
		*hosts = append(*hosts, name)
	}
	return nil
}

// isName tells whether a host may have that name. It is as strict as vnet is.
func isName(name string) bool {
	odd := func(r rune) bool { return unfit(r) || strings.ContainsRune(" ,:>#|", r) }
	return name != "" && name != "localhost" && !strings.ContainsFunc(name, odd)
}

// readOthers reads the other side, if there is one.
func (d *Deed) readOthers(rest []word) *misreading {
	if len(rest) == 0 {
		return nil
	}
	return d.readHosts(rest[0], &d.Others)
}

func (d *Deed) readRate(w word) *misreading {
	rate, err := strconv.ParseFloat(w.text, 64)
	if err != nil || !(rate > 0) || math.IsInf(rate, 0) {
		return w.wrong("%q is not a rate: it must be positive", w.text)
	}
	d.Rate = rate
	return nil
}

// readAddress reads "n0:80".
func (d *Deed) readAddress(w word) *misreading {
	host, service, _ := strings.Cut(w.text, ":")
	if !isName(host) {
		return w.wrong("%q is not an address like n0:80", w.text)
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil || port == 0 {
		return w.wrong("%q is not an address like n0:80", w.text)
	}
	d.Hosts, d.Words = []string{host}, strconv.FormatUint(port, 10)
	return nil
}

// readConnection reads the name of a connection.
func (d *Deed) readConnection(words []word) *misreading {
	if len(words) > 1 {
		return words[1].wrong("a reset names one connection")
	}
	d.Words = words[0].text
	return nil
}

// readSetting reads how a link or a host is set, which vnet knows to judge.
func (d *Deed) readSetting(kind word, rest []word) *misreading {
	settings := rest
	if d.Kind == "link" {
		settings = rest[1:]
		if wrong := d.readHosts(rest[0], &d.Others); wrong != nil {
			return wrong
		}
	}
	d.Words = joined(settings)
	f, err := vnet.ParseFault(d.String())
	if err != nil {
		return kind.wrong("%w", err)
	}
	if d.Kind == "link" {
		d.Words = f.Link.String()
	} else {
		d.Words = strconv.Itoa(f.Rate)
	}
	return nil
}
