// A config's value, as the text it is kept in.

package setting

import (
	"strconv"
	"strings"
	"time"
)

// A Text is the value of a config. What the table defines was checked when it
// was set, so the methods return no error; of a text that is not what is asked
// for they return the zero value.
type Text string

// Int64 returns the number.
func (t Text) Int64() int64 {
	n, _ := strconv.ParseInt(string(t), 10, 64)
	return n
}

// Bool returns whether the value is true.
func (t Text) Bool() bool { return t == "true" }

// Duration returns the number as milliseconds, the unit of every config whose
// name ends in ".ms". What Kafka means by its greatest number, never, stays
// the greatest duration.
func (t Text) Duration() time.Duration {
	const most = int64(1<<63-1) / int64(time.Millisecond)
	return time.Duration(min(max(t.Int64(), -most), most)) * time.Millisecond
}

// List returns the elements, separated by commas, without the spaces around
// them; of an empty value none.
func (t Text) List() []string {
	s := strings.TrimSpace(string(t))
	if s == "" {
		return nil
	}
	parts := strings.Split(s, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}
