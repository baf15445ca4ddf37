// Writing the text format.

package metrics

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// ContentType is that of Prometheus' text format.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// ServeHTTP writes the set, as a scraper asks for it with GET.
func (s *Set) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "metrics are read with GET", http.StatusMethodNotAllowed)
		return
	}
	text := s.Text()
	w.Header().Set("Content-Type", ContentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.Write(text)
}

// Text returns the set in Prometheus' text format 0.0.4. Families without a
// series are left out.
func (s *Set) Text() []byte {
	s.mu.Lock()
	families := slices.Clone(s.families)
	s.mu.Unlock()
	var b bytes.Buffer
	for _, f := range families {
		writeFamily(&b, f)
	}
	return b.Bytes()
}

func writeFamily(b *bytes.Buffer, f source) {
	all := f.read()
	if len(all) == 0 {
		return
	}
	d := f.family()
	b.WriteString("# HELP " + d.Name + " " + escape(d.Help, false) + "\n")
	b.WriteString("# TYPE " + d.Name + " " + f.kind() + "\n")
	for _, one := range all {
		if one.cell != nil {
			one.cell.write(b, d, one.values)
			continue
		}
		writeSample(b, d.Name, labels(d.Labels, one.values), one.value)
	}
}

// write writes a histogram. The count is the last bucket's, whatever is
// observed meanwhile.
func (h *Bins) write(b *bytes.Buffer, d Family, values []string) {
	ls := labels(d.Labels, values)
	count := uint64(0)
	for i := range h.counts {
		count += h.counts[i].Load()
		bound := "+Inf"
		if i < len(h.bounds) {
			bound = number(h.bounds[i])
		}
		writeSample(b, d.Name+"_bucket", append(slices.Clip(ls), `le="`+bound+`"`), float64(count))
	}
	writeSample(b, d.Name+"_sum", ls, h.total())
	writeSample(b, d.Name+"_count", ls, float64(count))
}

func writeSample(b *bytes.Buffer, name string, labels []string, v float64) {
	b.WriteString(name)
	if len(labels) > 0 {
		b.WriteString("{" + strings.Join(labels, ",") + "}")
	}
	b.WriteString(" " + number(v) + "\n")
}

// labels are the parts of what stands in braces.
func labels(names, values []string) (parts []string) {
	for i, name := range names {
		parts = append(parts, name+`="`+escape(values[i], true)+`"`)
	}
	return parts
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// escape makes s fit for a line: a label's value has quotes round it.
func escape(s string, quoted bool) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.ReplaceAll(s, `\`, `\\`)
	s = strings.ReplaceAll(s, "\n", `\n`)
	if quoted {
		s = strings.ReplaceAll(s, `"`, `\"`)
	}
	return s
}
