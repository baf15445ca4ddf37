// Reading the text format, strictly.

package metrics

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Samples are what a text says, by series, as in `calls_total{method="Produce"}`.
type Samples map[string]float64

// Parse reads Prometheus' text format 0.0.4 and is strict: a family has HELP
// and TYPE, once and before its samples, which stand together; names and
// escapes are right; no series comes twice; no counter is negative; buckets
// ascend and end with +Inf, which is the count. It is an error to be otherwise,
// and a time stamp is one too.
func Parse(text string) (Samples, error) {
	p := parser{samples: Samples{}, seen: map[string]bool{}}
	if text != "" && !strings.HasSuffix(text, "\n") {
		return nil, fmt.Errorf("metrics: the last line has no end")
	}
	n := 0
	for line := range strings.Lines(text) {
		n++
		if err := p.line(strings.TrimSuffix(line, "\n")); err != nil {
			return nil, fmt.Errorf("metrics: line %d, %q: %w", n, line, err)
		}
	}
	if err := p.endFamily(); err != nil {
		return nil, fmt.Errorf("metrics: line %d: %w", n, err)
	}
	return p.samples, nil
}

type parser struct {
	samples    Samples
	seen       map[string]bool // families
	name, kind string          // of the present family; kind is "" before its TYPE
	count      int             // of its samples
	buckets    map[string][]bucket
}

type bucket struct{ bound, count float64 }

func (p *parser) line(line string) error {
	if rest, ok := strings.CutPrefix(line, "# HELP "); ok {
		name, help, _ := strings.Cut(rest, " ")
		if err := p.endFamily(); err != nil {
			return err
		}
		return p.beginFamily(name, help)
	}
	if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
		name, kind, _ := strings.Cut(rest, " ")
		if name != p.name || p.kind != "" {
			return fmt.Errorf("a TYPE that does not follow its HELP")
		}
		if !slices.Contains([]string{"counter", "gauge", "histogram"}, kind) {
			return fmt.Errorf("no type %q", kind)
		}
		p.kind = kind
		return nil
	}
	if strings.HasPrefix(line, "#") {
		return fmt.Errorf("neither HELP nor TYPE")
	}
	return p.sample(line)
}

func (p *parser) beginFamily(name, help string) error {
	if !nameForm.MatchString(name) || p.seen[name] {
		return fmt.Errorf("the name %q is wrong, or comes again", name)
	}
	if _, rest, err := unescape(help, false); err != nil || rest != "" {
		return fmt.Errorf("a wrong escape in the help")
	}
	p.seen[name] = true
	p.name, p.kind, p.count, p.buckets = name, "", 0, map[string][]bucket{}
	return nil
}

// endFamily checks what only a whole family can tell.
func (p *parser) endFamily() error {
	if p.name != "" && p.count == 0 {
		return fmt.Errorf("the family %s has no sample", p.name)
	}
	for _, ls := range slices.Sorted(maps.Keys(p.buckets)) {
		bs := p.buckets[ls]
		last := bs[len(bs)-1]
		if !math.IsInf(last.bound, 1) || p.samples[p.name+"_count"+ls] != last.count {
			return fmt.Errorf("%s%s: the buckets do not end with +Inf, or it is not the count", p.name, ls)
		}
		if _, ok := p.samples[p.name+"_sum"+ls]; !ok {
			return fmt.Errorf("%s%s has no sum", p.name, ls)
		}
	}
	return nil
}

func (p *parser) sample(line string) error {
	at := strings.IndexAny(line, "{ ")
	if at < 0 {
		return fmt.Errorf("no value")
	}
	name, rest := line[:at], line[at:]
	ls, rest, err := parseLabels(rest)
	if err != nil {
		return err
	}
	word, ok := strings.CutPrefix(rest, " ")
	v, err := strconv.ParseFloat(word, 64)
	if !ok || err != nil {
		return fmt.Errorf("%q is no number", rest)
	}
	part, ok := strings.CutPrefix(name, p.name)
	parts := map[string][]string{"counter": {""}, "gauge": {""}, "histogram": {"_bucket", "_sum", "_count"}}[p.kind]
	if !ok || !slices.Contains(parts, part) {
		return fmt.Errorf("%s does not belong to the family %s", name, p.name)
	}
	if p.kind == "counter" && !(v >= 0) {
		return fmt.Errorf("a counter is %v", v)
	}
	id := name + ls.String()
	if _, twice := p.samples[id]; twice {
		return fmt.Errorf("the series %s comes twice", id)
	}
	p.samples[id] = v
	p.count++
	if part == "_bucket" {
		return p.bucket(ls, v)
	}
	return nil
}

func (p *parser) bucket(ls labelList, v float64) error {
	at := slices.IndexFunc(ls, func(l [2]string) bool { return l[0] == "le" })
	if at < 0 {
		return fmt.Errorf("a bucket without le")
	}
	bound, err := strconv.ParseFloat(ls[at][1], 64)
	if err != nil {
		return fmt.Errorf("the bound %q is no number", ls[at][1])
	}
	key := slices.Delete(slices.Clone(ls), at, at+1).String()
	if bs := p.buckets[key]; len(bs) > 0 {
		if last := bs[len(bs)-1]; !(bound > last.bound && v >= last.count) {
			return fmt.Errorf("the bucket comes behind le=%v with %v", last.bound, last.count)
		}
	}
	p.buckets[key] = append(p.buckets[key], bucket{bound, v})
	return nil
}

// A labelList is labels in their order, each a name and a value.
type labelList [][2]string

// String returns what stands behind a name, with the braces.
func (ls labelList) String() string {
	if len(ls) == 0 {
		return ""
	}
	var names, values []string
	for _, l := range ls {
		names, values = append(names, l[0]), append(values, l[1])
	}
	return "{" + strings.Join(labels(names, values), ",") + "}"
}

// parseLabels reads what stands in braces, if anything does.
func parseLabels(s string) (ls labelList, rest string, err error) {
	if !strings.HasPrefix(s, "{") {
		return nil, s, nil
	}
	for s = s[1:]; ; s = s[1:] {
		name, after, ok := strings.Cut(s, `="`)
		if !ok || !labelForm.MatchString(name) {
			return nil, "", fmt.Errorf("%q does not begin with a label", s)
		}
		if slices.ContainsFunc(ls, func(l [2]string) bool { return l[0] == name }) {
			return nil, "", fmt.Errorf("the label %s comes twice", name)
		}
		value, after, err := unescape(after, true)
		if err != nil {
			return nil, "", err
		}
		ls = append(ls, [2]string{name, value})
		switch s = after; {
		case strings.HasPrefix(s, "}"):
			return ls, s[1:], nil
		case !strings.HasPrefix(s, ","):
			return nil, "", fmt.Errorf("neither , nor } behind the label %s", name)
		}
	}
}

// unescape reads text to its end, which is a quote if it is quoted.
func unescape(s string, quoted bool) (text, rest string, err error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' && quoted:
			return b.String(), s[i+1:], nil
		case c != '\\':
			b.WriteByte(c)
			continue
		}
		i++
		switch {
		case i < len(s) && s[i] == 'n':
			b.WriteByte('\n')
		case i < len(s) && (s[i] == '\\' || s[i] == '"' && quoted):
			b.WriteByte(s[i])
		default:
			return "", "", fmt.Errorf("a wrong escape in %q", s)
		}
	}
	if quoted {
		return "", "", fmt.Errorf("no quote ends %q", s)
	}
	return b.String(), "", nil
}
