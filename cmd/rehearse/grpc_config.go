// What rehearse record and rehearse replay are told, by flags and by a file alike.

package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

// A grpcServing is what record and replay have in common: where programs reach
// them, and how calls are found. Its fields are flags, keys of the file and
// rows of the documentation by the same tags as those of kafkaConfig.
//
// What each is stands in grpcDocs.
type grpcServing struct {
	Listen    string     `yaml:"listen" flag:"listen" arg:"address"`
	Remote    *bool      `yaml:"allow-remote" flag:"allow-remote"`
	ListenTLS servingTLS `yaml:"listen-tls"`
	Match     grpcMatch  `yaml:"match"`
	Schema    grpcSchema `yaml:"schema"`
	Rules     []callRule `yaml:"rules" flag:"rule" commas:"inside"`
	Seed      uint64     `yaml:"seed" flag:"seed"`
	Limits    grpcLimits `yaml:"limits"`
	Verbose   *bool      `yaml:"verbose" flag:"verbose,v"`
}

// A servingTLS says which certificates programs meet.
type servingTLS struct {
	Cert       string `yaml:"cert" flag:"listen-cert" arg:"file"`
	Key        string `yaml:"key" flag:"listen-key" arg:"file"`
	ClientCA   string `yaml:"client-ca" flag:"listen-client-ca" arg:"file"`
	SelfSigned string `yaml:"self-signed" flag:"listen-self-signed" arg:"directory"`
}

// A grpcMatch says when two calls are the same.
type grpcMatch struct {
	Metadata []string `yaml:"metadata" flag:"match-metadata" arg:"key"`
	Ignore   []string `yaml:"ignore" flag:"ignore" arg:"path"`
}

func (m grpcMatch) config() grpcreplay.Match {
	return grpcreplay.Match{Metadata: m.Metadata, Ignore: m.Ignore}
}

// A grpcLimits bounds what is taken in.
type grpcLimits struct {
	Message byteSize `yaml:"message" flag:"limit-message" arg:"size"`
	File    byteSize `yaml:"file" flag:"limit-file" arg:"size"`
}

func (l grpcLimits) config() grpcreplay.Limits {
	return grpcreplay.Limits{Message: l.Message.bytes(), File: l.File.bytes()}
}

// A recordConfig is what rehearse record is told.
type recordConfig struct {
	To      string      `yaml:"to" flag:"to" arg:"host:port"`
	Output  string      `yaml:"output" flag:"output,o" arg:"file"`
	Mode    recordMode  `yaml:"mode" flag:"mode" arg:"mode"`
	Form    formOfFile  `yaml:"form" flag:"form" arg:"form"`
	Initial string      `yaml:"initial" flag:"initial" arg:"file"`
	TLS     callingTLS  `yaml:"tls"`
	Redact  redactRules `yaml:"redact"`
	grpcServing
}

// A callingTLS says how the real service is reached by TLS.
type callingTLS struct {
	On         *bool  `yaml:"on" flag:"tls"`
	CA         string `yaml:"ca" flag:"ca" arg:"file"`
	Cert       string `yaml:"cert" flag:"cert" arg:"file"`
	Key        string `yaml:"key" flag:"key" arg:"file"`
	ServerName string `yaml:"server-name" flag:"server-name" arg:"name"`
	Insecure   *bool  `yaml:"insecure-skip-verify" flag:"insecure-skip-verify"`
}

// redactRules are the rules of redaction.
type redactRules struct {
	Off      *bool    `yaml:"off" flag:"redact-off"`
	Headers  []string `yaml:"headers" flag:"redact-header" arg:"key"`
	Names    []string `yaml:"names" flag:"redact-name" arg:"name"`
	Fields   []string `yaml:"fields" flag:"redact-field" arg:"name"`
	Keep     []string `yaml:"keep" flag:"redact-keep" arg:"name"`
	Allow    []string `yaml:"allow" flag:"redact-allow" arg:"key"`
	Tokens   []string `yaml:"tokens" flag:"redact-token" arg:"regexp" commas:"inside"`
	NoTokens *bool    `yaml:"no-tokens" flag:"redact-no-tokens"`
}

func (r redactRules) config() grpcreplay.Redact {
	return grpcreplay.Redact{
		Off: isTrue(r.Off), Headers: r.Headers, Names: r.Names, Fields: r.Fields,
		Keep: r.Keep, Allow: r.Allow, Tokens: r.Tokens, NoTokens: isTrue(r.NoTokens),
	}
}

// A replayConfig is what rehearse replay is told, but for the file.
type replayConfig struct {
	Pace        factor `yaml:"pace" flag:"pace" arg:"factor"`
	Grace       span   `yaml:"grace" flag:"grace" arg:"duration"`
	Strict      *bool  `yaml:"strict" flag:"strict"`
	AllowUnused *bool  `yaml:"allow-unused" flag:"allow-unused"`
	grpcServing
}

// A recordMode is one of the modes of a recording.
type recordMode string

func (recordMode) allowed() []string { return []string{"all", "new", "once", "none", "verify", "spy"} }

// UnmarshalText refuses what is not allowed.
func (m *recordMode) UnmarshalText(text []byte) error {
	s, err := chosen(text, *m)
	*m = recordMode(s)
	return err
}

// A formOfFile is a form in which recordings are written.
type formOfFile string

func (formOfFile) allowed() []string { return []string{"text", "binary", "compressed", "rpcreplay"} }

// UnmarshalText refuses what is not allowed.
func (f *formOfFile) UnmarshalText(text []byte) error {
	s, err := chosen(text, *f)
	*f = formOfFile(s)
	return err
}

// format returns the form as the package names it; "" if none is given.
func (f formOfFile) format() grpcreplay.Format {
	if f == "compressed" {
		return grpcreplay.CompressedBinary
	}
	return grpcreplay.Format(f)
}

// A span is a duration, as Go writes it.
type span string

// UnmarshalText refuses what is no duration.
func (s *span) UnmarshalText(text []byte) error {
	if d, err := time.ParseDuration(string(text)); err != nil || d <= 0 {
		return fmt.Errorf("%q is no duration; want one such as 500ms or 2s", text)
	}
	*s = span(text)
	return nil
}

func (s span) duration() time.Duration {
	d, _ := time.ParseDuration(string(s)) // checked as it was read; 0 if not given
	return d
}

// A factor is a number of 0 or more.
type factor string

// UnmarshalText refuses what is none.
func (f *factor) UnmarshalText(text []byte) error {
	if n, err := strconv.ParseFloat(string(text), 64); err != nil || !(n >= 0 && n <= 1000) {
		return fmt.Errorf("%q is no factor; want a number from 0 to 1000", text)
	}
	*f = factor(text)
	return nil
}

func (f factor) number() float64 {
	n, _ := strconv.ParseFloat(string(f), 64) // checked as it was read; 0 if not given
	return n
}

// A byteSize is a number of bytes, or of KiB, MiB or GiB.
type byteSize string

// units are what may follow the number of a byteSize.
var units = []struct {
	name  string
	shift int
}{{"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"B", 0}}

// UnmarshalText refuses what is no size.
func (b *byteSize) UnmarshalText(text []byte) error {
	*b = byteSize(text)
	if b.bytes() <= 0 {
		return fmt.Errorf("%q is no size; want one such as 500KiB, 64MiB or 2GiB", text)
	}
	return nil
}

func (b byteSize) bytes() int64 {
	number, shift := string(b), 0
	for _, u := range units {
		if rest, ok := strings.CutSuffix(number, u.name); ok {
			number, shift = rest, u.shift
			break
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil || n<<shift>>shift != n {
		return 0
	}
	return n << shift
}
