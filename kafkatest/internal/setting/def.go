// A definition: one config's name, type, default, bounds and meaning.

package setting

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// An Update says how a broker config can be changed (KIP-226).
type Update uint8

// The ways of changing a broker config.
const (
	ReadOnly    Update = iota // only by a restart
	PerBroker                 // of one broker, while it runs
	ClusterWide               // of one broker or of all, while they run
)

// none is the default of a config that has none.
const none = "\x00"

// A Def defines a config.
type Def struct {
	Name    string
	Type    kmsg.ConfigType
	initial string // the default as text, or none
	allowed allowed
	Update  Update // of topics, groups and subscriptions: always ClusterWide
	Doc     string // what it decides, in one sentence
}

// Short names for the tables.
const (
	boolean  = kmsg.ConfigTypeBoolean
	text     = kmsg.ConfigTypeString
	integer  = kmsg.ConfigTypeInt
	short    = kmsg.ConfigTypeShort
	long     = kmsg.ConfigTypeLong
	double   = kmsg.ConfigTypeDouble
	list     = kmsg.ConfigTypeList
	class    = kmsg.ConfigTypeClass
	password = kmsg.ConfigTypePassword
)

// Default returns the default as text, or false if the config has none.
func (d *Def) Default() (string, bool) {
	if d.initial == none {
		return "", false
	}
	return d.initial, true
}

// Sensitive reports whether the value is never told: passwords, and whatever
// the broker has no definition of.
func (d *Def) Sensitive() bool { return d.Type == password || d.Type == kmsg.ConfigTypeUnknown }

// ErrInvalid is what every error about a value is.
var ErrInvalid = errors.New("invalid value")

// ErrBounds is what every error about a value is that is of the right type,
// but not allowed. It is an ErrInvalid too.
var ErrBounds = fmt.Errorf("%w", ErrInvalid)

// ErrUnknown is what every error about a name is.
var ErrUnknown = errors.New("unknown config")

// Normal returns value as Kafka prints it once it has parsed it (" TRUE" is
// "true"), or an error that says what is allowed.
func (d *Def) Normal(value string) (string, error) {
	normal, n, ok := d.parse(value)
	if !ok {
		return "", d.refuse(ErrInvalid, value, "not a "+typeNames[d.Type])
	}
	if reason := d.allowed.refuses(d, normal, n); reason != "" {
		return "", d.refuse(ErrBounds, value, reason)
	}
	return normal, nil
}

func (d *Def) refuse(kind error, value, reason string) error {
	return fmt.Errorf("%w %q for configuration %s: %s", kind, value, d.Name, reason)
}

var typeNames = map[kmsg.ConfigType]string{
	boolean: "boolean (true or false)", integer: "number of type INT", short: "number of type SHORT",
	long: "number of type LONG", double: "number of type DOUBLE",
}

// parse returns the normal form, and the number if the type is one.
func (d *Def) parse(value string) (normal string, n float64, ok bool) {
	value = strings.TrimSpace(value)
	switch d.Type {
	case boolean:
		normal = strings.ToLower(value)
		return normal, 0, normal == "true" || normal == "false"
	case integer, short, long:
		v, err := strconv.ParseInt(value, 10, bits[d.Type])
		return strconv.FormatInt(v, 10), float64(v), err == nil
	case double:
		v, err := strconv.ParseFloat(value, 64)
		return javaDouble(v), v, err == nil
	case list:
		return strings.Join(Text(value).List(), ","), 0, true
	}
	return value, 0, true
}

var bits = map[kmsg.ConfigType]int{short: 16, integer: 32, long: 64}

// javaDouble prints v as Java does: 0.5, 1.0, 1.7976931348623157E308.
func javaDouble(v float64) string {
	if abs := max(v, -v); abs != 0 && (abs < 1e-3 || abs >= 1e7) {
		s := strconv.FormatFloat(v, 'E', -1, 64)
		mantissa, exponent, _ := strings.Cut(s, "E")
		if !strings.Contains(mantissa, ".") {
			mantissa += ".0"
		}
		n, _ := strconv.Atoi(exponent)
		return mantissa + "E" + strconv.Itoa(n)
	}
	s := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// allowed bounds the values of a config. The zero value allows what the type
// does.
type allowed struct {
	low, high       float64
	hasLow, hasHigh bool
	of              []string // of a list: its elements
}

// anything leaves the bounds to the type.
var anything allowed

func atLeast(n float64) allowed    { return allowed{low: n, hasLow: true} }
func between(a, b float64) allowed { return allowed{low: a, high: b, hasLow: true, hasHigh: true} }
func oneOf(s ...string) allowed    { return allowed{of: s} }

// refuses says why the normal form, whose number is n, is not allowed.
func (a allowed) refuses(d *Def, normal string, n float64) string {
	switch {
	case a.hasLow && n < a.low:
		return "the value must be at least " + strconv.FormatFloat(a.low, 'f', -1, 64)
	case a.hasHigh && n > a.high:
		return "the value must be no more than " + strconv.FormatFloat(a.high, 'f', -1, 64)
	case a.of == nil:
		return ""
	}
	values := []string{normal}
	if d.Type == list {
		values = Text(normal).List()
	}
	for _, v := range values {
		if !slices.Contains(a.of, v) {
			return "must be one of: " + strings.Join(a.of, ", ")
		}
	}
	return ""
}
