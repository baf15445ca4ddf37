// From a configuration to a cluster's listeners.

package main

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/rehearse-go/rehearse/kafkatest"
)

// defaultKafkaAddress is Kafka's own port, for this machine only.
var defaultKafkaAddress = kafkaListener{Host: "127.0.0.1", Port: 9092}

// An entrance is a listener with the protocol that is spoken there.
type entrance struct {
	kafkatest.Listener
	protocol protocol
}

// entrances returns the cluster's listeners. secured is for those that speak
// TLS; nil if there is no certificate.
func (c kafkaConfig) entrances(secured *tls.Config) ([]entrance, error) {
	listeners := c.Listeners
	if len(listeners) == 0 {
		listeners = []kafkaListener{defaultKafkaAddress}
	}
	advertise := slices.Clone(c.Advertise)
	var all []entrance
	for _, l := range listeners {
		e, err := c.entrance(l, secured)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(advertise, func(a kafkaListener) bool {
			return a.Name == e.Name || a.Name == "" && len(listeners) == 1
		})
		if at >= 0 {
			e.Advertise = advertise[at].address()
			advertise = slices.Delete(advertise, at, at+1)
		}
		all = append(all, e)
	}
	if len(advertise) > 0 {
		return nil, fmt.Errorf("advertise %v: there is no such listener; there are %s", advertise[0], names(all))
	}
	return all, nil
}

func names(all []entrance) string {
	var list []string
	for _, e := range all {
		list = append(list, e.Name)
	}
	return strings.Join(list, ", ")
}

func (c kafkaConfig) entrance(l kafkaListener, secured *tls.Config) (entrance, error) {
	p, err := c.protocolOf(l)
	if err != nil {
		return entrance{}, err
	}
	if err := allowAddress(c.Remote, l.Host, l.String()); err != nil {
		return entrance{}, err
	}
	e := entrance{protocol: p, Listener: kafkatest.Listener{Name: cmp.Or(l.Name, string(p)), Bind: l.address()}}
	if p.secure() && secured == nil {
		return e, fmt.Errorf("listener %s speaks TLS and there is no certificate: give --tls-cert and --tls-key, "+
			"or --tls-self-signed DIR", e.Name)
	}
	if p.login() && len(c.Users) == 0 {
		return e, fmt.Errorf("listener %s wants a login and nobody has one: give --user NAME:PASSWORD", e.Name)
	}
	if p.secure() {
		e.TLS = secured
	}
	if p.login() {
		e.Mechanisms = c.mechanisms()
	}
	return e, nil
}

// protocolOf says what is spoken at a listener: what --protocol says, else
// what its name says, else what users and certificates suggest.
func (c kafkaConfig) protocolOf(l kafkaListener) (protocol, error) {
	if p, mapped := c.Protocols[l.Name]; mapped {
		return p, nil
	}
	if l.Name == "" {
		return c.suggested(), nil
	}
	if all := protocol("").allowed(); !slices.Contains(all, l.Name) {
		return "", fmt.Errorf("listener %s: a name of its own needs a security protocol: give --protocol %s:PROTOCOL, "+
			"which is %s", l, l.Name, orList(all))
	}
	return protocol(l.Name), nil
}

func (c kafkaConfig) suggested() protocol {
	p := "PLAINTEXT"
	if c.TLS.given() {
		p = "SSL"
	}
	if len(c.Users) > 0 || len(c.SASL) > 0 {
		p = "SASL_" + p
	}
	return protocol(p)
}

func (c kafkaConfig) mechanisms() []string {
	if len(c.SASL) == 0 {
		return mechanism("").allowed()
	}
	var all []string
	for _, m := range c.SASL {
		all = append(all, string(m))
	}
	return all
}

// allowAddress refuses addresses that other machines reach, unless they are
// allowed: a stand-in asks few questions. text is how it was given.
func allowAddress(allowed *bool, host, text string) error {
	if isLoopback(host) || isTrue(allowed) {
		return nil
	}
	return fmt.Errorf("%s: other machines could reach this address; if they shall, say --allow-remote, "+
		"else take a loopback one, such as 127.0.0.1:9092", text)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
