// What a cluster is made from.

package kafkatest

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	"github.com/rehearse-go/rehearse/journal"
)

// A Config says what a cluster is made of. The zero Config is one broker on a
// free loopback port, without topics, that creates the topics clients ask for.
type Config struct {
	// Brokers is how many brokers the cluster begins with. If 0, 1.
	Brokers int

	// FirstID is the id of the first broker; the others follow. If 0, 0 for a
	// Config in Go and for Kafka alike; sarama's mock begins at 1.
	FirstID int32

	// Topics are made before the first client comes: partitions by name. If
	// nil, none.
	Topics map[string]int

	// TopicConfigs are configs of Topics, by topic and by Kafka's names, such as
	// cleanup.policy. If nil, the brokers' defaults.
	TopicConfigs map[string]map[string]string

	// Seed decides every id, every choice of a leader and every chance. If 0,
	// 1, so that a test that names no seed is repeatable too.
	Seed uint64

	// Version is the version of Kafka to appear as, such as "2.8" or "4.0": its
	// range of every API, and its behaviour where that differs. If "", the
	// widest: everything that is implemented.
	Version string

	// Scripted makes brokers without state: what is not told by Handle, Reply
	// or a rule is unexpected and fails the test. If false, a cluster answers.
	Scripted bool

	// Racks are the racks of the brokers, in order. If nil, none has one.
	Racks []string

	// Listeners are the ways in, on every broker. If nil, one PLAINTEXT.
	Listeners []Listener

	// Users may log in on listeners that have mechanisms. If nil, none.
	Users []User

	// SuperUsers are principals, such as "User:admin", that may do everything.
	// Naming any switches authorization on. If nil, it is off unless the
	// settings name an authorizer.
	SuperUsers []string

	// GSSAPI answers the tokens of clients that log in by GSSAPI; it is called
	// once for each connection, and what it returns once for each token. If
	// nil, no listener may have the mechanism.
	GSSAPI func() TokenHandler

	// Settings are broker configs by Kafka's names. If nil, Kafka's defaults,
	// but for group.initial.rebalance.delay.ms, which is 0.
	Settings map[string]string

	// Journal gets an event for everything that happens. If nil, nothing is
	// recorded, but for what Start prints when a test fails.
	Journal *journal.Journal

	// Notify is told of every exchange when its answer has been written. If
	// nil, nobody is.
	Notify func(Traffic)

	// History is how many exchanges each broker remembers. If 0, 1,000 for a
	// scripted broker and none for the others; negative for none.
	History int

	// Listen makes the brokers' listeners. If nil, real sockets.
	Listen func(ctx context.Context, network, address string) (net.Listener, error) `json:"-"`

	realSockets bool // Listen was nil
	brief       bool // the journal is Start's own, and holds no payloads
}

// A Listener is one way in, on every broker. In Bind and Advertise, {id}
// stands for the broker's id.
type Listener struct {
	// Name is what settings and journals call it. If "", PLAINTEXT, SSL,
	// SASL_PLAINTEXT or SASL_SSL, as TLS and Mechanisms have it.
	Name string

	// Bind is the address to listen on. If "", a free port of loopback; of all
	// addresses, where Config.Listen is set. A port other than 0 is that of
	// the first broker, and each further broker takes the next one.
	Bind string

	// Advertise is the host, or host and port, that clients are told to
	// connect to. If "", the address that is listened on; where that is every
	// address, the name of the host, on vnet, or else the address by which the
	// asking client came.
	Advertise string

	// TLS has the listener speak TLS. A ClientAuth that verifies certificates
	// makes their subjects principals. If nil, plain text.
	TLS *tls.Config `json:"-"`

	// Mechanisms are the SASL mechanisms offered: PLAIN, SCRAM-SHA-256,
	// SCRAM-SHA-512, GSSAPI. If nil, nobody needs to log in.
	Mechanisms []string
}

// A User may log in with a password, by every mechanism that takes one.
type User struct {
	Name, Password string
}

// A TokenHandler answers the tokens of one login, one after the other. The
// login is complete when done is true; an error refuses it.
type TokenHandler func(token []byte) (answer []byte, done bool, principal string, err error)

// maxBrokers bounds the number of brokers: enough for any test.
const maxBrokers = 1000

// mechanisms are those by which clients may log in.
var mechanisms = []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", gssapi}

// complete returns the Config with its defaults filled in, or says what is
// wrong with it.
func (c Config) complete() (Config, error) {
	if c.Brokers == 0 {
		c.Brokers = 1
	}
	if c.Brokers < 0 || c.Brokers > maxBrokers {
		return c, fmt.Errorf("kafkatest: Config.Brokers is %d; 1 to %d are possible", c.Brokers, maxBrokers)
	}
	if c.FirstID < 0 {
		return c, fmt.Errorf("kafkatest: Config.FirstID is %d; ids are not negative", c.FirstID)
	}
	if len(c.Racks) > c.Brokers {
		return c, fmt.Errorf("kafkatest: Config.Racks has %d racks for %d brokers", len(c.Racks), c.Brokers)
	}
	for _, name := range slices.Sorted(maps.Keys(c.TopicConfigs)) {
		if _, there := c.Topics[name]; !there {
			return c, fmt.Errorf("kafkatest: Config.TopicConfigs has a topic %q that Config.Topics has not", name)
		}
	}
	if c.Seed == 0 {
		c.Seed = 1
	}
	if c.History == 0 && c.Scripted {
		c.History = 1000
	}
	return c.completeListeners()
}

func (c Config) completeListeners() (Config, error) {
	given := c.Listeners
	if given == nil {
		given = []Listener{{}}
	}
	c.Listeners = make([]Listener, len(given))
	names := map[string]bool{}
	for i, l := range given {
		l = l.complete(c.Listen != nil)
		if names[l.Name] {
			return c, fmt.Errorf("kafkatest: two listeners are called %s", l.Name)
		}
		for _, m := range l.Mechanisms {
			if !slices.Contains(mechanisms, m) {
				return c, fmt.Errorf("kafkatest: listener %s: no mechanism %q; there are %v", l.Name, m, mechanisms)
			}
			if m == gssapi && c.GSSAPI == nil {
				return c, fmt.Errorf("kafkatest: listener %s: the mechanism GSSAPI needs Config.GSSAPI", l.Name)
			}
		}
		if _, _, err := net.SplitHostPort(l.Bind); err != nil {
			return c, fmt.Errorf("kafkatest: listener %s: Bind: %w", l.Name, err)
		}
		names[l.Name] = true
		c.Listeners[i] = l
	}
	if c.Listen == nil {
		c.realSockets = true
		var config net.ListenConfig
		config.SetMultipathTCP(false) // Go's default, which makes a listener in twice the time
		c.Listen = config.Listen
	}
	return c, nil
}

func (l Listener) complete(everywhere bool) Listener {
	if l.Name == "" {
		l.Name = l.protocol()
	}
	if l.TLS != nil {
		// A ticket comes after the handshake, unasked. Clients that hold what
		// they did not ask for to be an error, such as kafka-python, would end
		// the connection for it.
		l.TLS = l.TLS.Clone()
		l.TLS.SessionTicketsDisabled = true
	}
	if l.Bind == "" {
		l.Bind = "127.0.0.1:0"
		if everywhere {
			l.Bind = ":0"
		}
	}
	return l
}

// protocol returns Kafka's name of the listener's security protocol.
func (l Listener) protocol() string {
	name := "PLAINTEXT"
	if l.TLS != nil {
		name = "SSL"
	}
	if l.Mechanisms != nil {
		return "SASL_" + name
	}
	return name
}

// forBroker fills in a broker's id.
func forBroker(address string, id int32) string {
	return strings.ReplaceAll(address, "{id}", fmt.Sprint(id))
}
