// What rehearse kafka is told: by flags, the environment and a file alike.

package main

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/rehearse-go/rehearse/kafkatest"
)

// A kafkaConfig says what cluster to run. Its fields are the keys of the file,
// the flags, the JSON schema and the table in the documentation, all by their
// tags:
//
//	yaml   the key in a file
//	flag   the flag, with one letter more if it has a short form
//	commas "inside" if a list's words may have commas in them
//	arg    what the help calls the flag's value
//	key    in a flag, what parts key and value of a map
//	min    the least of a number
//	max    its greatest
//
// What each is stands in kafkaDocs.
type kafkaConfig struct {
	Brokers    int                   `yaml:"brokers" flag:"brokers" min:"1" max:"1000"`
	FirstID    int                   `yaml:"first-id" flag:"first-id" max:"1000000"`
	Racks      []string              `yaml:"racks" flag:"rack"`
	Listeners  []kafkaListener       `yaml:"listeners" flag:"listen" arg:"address"`
	Advertise  []kafkaListener       `yaml:"advertise" flag:"advertise" arg:"address"`
	Protocols  map[string]protocol   `yaml:"protocols" flag:"protocol" arg:"listener:protocol" key:":"`
	Topics     map[string]kafkaTopic `yaml:"topics" flag:"topic" arg:"name[:partitions]" key:":"`
	AutoCreate *bool                 `yaml:"auto-create"`
	Settings   map[string]string     `yaml:"settings" flag:"set" arg:"config=value" key:"="`
	Version    string                `yaml:"version" flag:"kafka-version" arg:"version"`
	Seed       uint64                `yaml:"seed" flag:"seed"`
	Users      map[string]string     `yaml:"users" flag:"user" arg:"name:password" key:":"`
	SASL       []mechanism           `yaml:"sasl" flag:"sasl" arg:"mechanism"`
	SuperUsers []principal           `yaml:"super-users" flag:"super-user" arg:"principal" commas:"inside"`
	TLS        kafkaTLS              `yaml:"tls"`
	Rules      []kafkatest.Rule      `yaml:"rules" flag:"rule" commas:"inside"`
	Journal    string                `yaml:"journal" flag:"journal" arg:"file"`
	Log        logLevel              `yaml:"log" flag:"log" arg:"level"`
	JSON       *bool                 `yaml:"json" flag:"json"`
	Health     string                `yaml:"health" flag:"health" arg:"address"`
	Remote     *bool                 `yaml:"allow-remote" flag:"allow-remote"`
}

// A kafkaTLS says where certificates come from: a pair of files, or an
// authority of our own that is made anew at each start.
type kafkaTLS struct {
	Cert       string `yaml:"cert" flag:"tls-cert" arg:"file"`
	Key        string `yaml:"key" flag:"tls-key" arg:"file"`
	ClientCA   string `yaml:"client-ca" flag:"tls-ca" arg:"file"`
	SelfSigned string `yaml:"self-signed" flag:"tls-self-signed" arg:"directory"`
}

func (t kafkaTLS) given() bool { return t.Cert != "" || t.Key != "" || t.SelfSigned != "" }

// A kafkaTopic is a topic that is there from the beginning. As text, it is
// its number of partitions.
type kafkaTopic struct {
	Partitions int               `yaml:"partitions" min:"1" max:"10000"`
	Configs    map[string]string `yaml:"configs"`
}

// UnmarshalText reads a number of partitions; none is one.
func (t *kafkaTopic) UnmarshalText(text []byte) error {
	t.Partitions = 1
	if len(text) == 0 {
		return nil
	}
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 || n > 10_000 {
		return fmt.Errorf("%q is no number of partitions; want 1 to 10000", text)
	}
	t.Partitions = n
	return nil
}

// A choice is text of which only some is allowed.
type choice interface{ allowed() []string }

// chosen says what is allowed, unless text is. Case does not matter.
func chosen(text []byte, c choice) (string, error) {
	all := c.allowed()
	at := slices.IndexFunc(all, func(s string) bool { return strings.EqualFold(s, string(text)) })
	if at < 0 {
		return "", fmt.Errorf("%q is not possible; want %s", text, orList(all))
	}
	return all[at], nil
}

func orList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// A mechanism is one of SASL's that the stand-in knows.
type mechanism string

func (mechanism) allowed() []string { return []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} }

// UnmarshalText refuses what is not allowed.
func (m *mechanism) UnmarshalText(text []byte) error {
	s, err := chosen(text, *m)
	*m = mechanism(s)
	return err
}

// A principal is someone, as ACLs name them.
type principal string

// UnmarshalText refuses what has no kind before its name.
func (p *principal) UnmarshalText(text []byte) error {
	kind, name, parted := strings.Cut(string(text), ":")
	if !parted || kind == "" || name == "" {
		return fmt.Errorf("%q is no principal; want one such as User:admin", text)
	}
	*p = principal(text)
	return nil
}

// A protocol is a listener's security protocol.
type protocol string

func (protocol) allowed() []string { return []string{"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"} }

// UnmarshalText refuses what is not allowed.
func (p *protocol) UnmarshalText(text []byte) error {
	s, err := chosen(text, *p)
	*p = protocol(s)
	return err
}

func (p protocol) secure() bool { return strings.HasSuffix(string(p), "SSL") }
func (p protocol) login() bool  { return strings.HasPrefix(string(p), "SASL_") }

// A logLevel says how much is logged.
type logLevel string

const (
	logOff         logLevel = "off"
	logConnections logLevel = "connections"
	logRequests    logLevel = "requests"
)

func (logLevel) allowed() []string {
	return []string{string(logOff), string(logConnections), string(logRequests)}
}

// UnmarshalText refuses what is not allowed.
func (l *logLevel) UnmarshalText(text []byte) error {
	s, err := chosen(text, *l)
	*l = logLevel(s)
	return err
}

// level is how much to log, all told.
func (c kafkaConfig) level() logLevel {
	switch {
	case c.Log != "":
		return c.Log
	case isTrue(c.JSON):
		return logConnections
	}
	return logOff
}

func isTrue(b *bool) bool { return b != nil && *b }

// A kafkaListener is an address with the name of its listener before it, as
// Kafka writes it: NAME://HOST:PORT. The name may be left out, and so may the
// host, which is then every address.
type kafkaListener struct {
	Name string `yaml:"name"`
	Host string `yaml:"host"`
	Port int    `yaml:"port" max:"65535"`
}

// UnmarshalText reads a listener in Kafka's syntax.
func (l *kafkaListener) UnmarshalText(text []byte) error {
	name, address, named := strings.Cut(string(text), "://")
	if !named {
		name, address = "", string(text)
	}
	if named && !isListenerName(name) {
		return fmt.Errorf("%q: a listener's name is made of letters, digits, dots, _ and -", text)
	}
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is no listener; want HOST:PORT or NAME://HOST:PORT", text)
	}
	port, err := strconv.Atoi(service)
	if err != nil || port < 0 || port > 65535 {
		return fmt.Errorf("%q: a port is a number up to 65535", text)
	}
	if strings.ContainsAny(host, "/ \t\r\n[]") {
		return fmt.Errorf("%q: %q is no host", text, host)
	}
	*l = kafkaListener{Name: strings.ToUpper(name), Host: host, Port: port}
	return nil
}

func isListenerName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		return !letter && (r < '0' || r > '9') && !strings.ContainsRune("_-.", r)
	})
}

func (l kafkaListener) address() string { return net.JoinHostPort(l.Host, strconv.Itoa(l.Port)) }

// String returns the listener in Kafka's syntax.
func (l kafkaListener) String() string {
	if l.Name == "" {
		return l.address()
	}
	return l.Name + "://" + l.address()
}
