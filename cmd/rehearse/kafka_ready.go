// Readiness: the stand-in is asked by a client before anyone is told of it.

package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
	"unicode"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// readyWithin is how long the stand-in has to answer. It takes milliseconds.
const readyWithin = 10 * time.Second

// ready makes a Metadata round trip by every listener of the first broker. One
// that demands certificates of clients is only dialled.
func (k *kafkaRun) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for i, e := range k.entrances {
		if err := k.ask(ctx, e, k.bound[i]); err != nil {
			return fmt.Errorf("listener %s does not answer: %w", e.Name, err)
		}
	}
	return nil
}

func (k *kafkaRun) ask(ctx context.Context, e entrance, address string) error {
	var dialer net.Dialer
	nc, err := dialer.DialContext(ctx, "tcp", reachable(address))
	if err != nil {
		return err
	}
	defer nc.Close()
	if e.TLS != nil && e.TLS.ClientAuth != tls.NoClientCert {
		return nil
	}
	if e.TLS != nil {
		// The other side is this process: whose certificate it is needs no proof.
		nc = tls.Client(nc, &tls.Config{InsecureSkipVerify: true})
	}
	client := newKafkaClient(ctx, nc)
	if silentOnVersions(k.config.Version) {
		client.served = map[int16][2]int16{int16(kmsg.Metadata): {0, 0}}
	} else if _, err := client.greet(); err != nil {
		return err
	}
	if e.Mechanisms != nil {
		user := sortedKeys(k.config.Users)[0]
		if err := client.login(access{nil, user, k.config.Users[user], e.Mechanisms[0]}); err != nil {
			return err
		}
	}
	_, err = client.metadata(false)
	return err
}

// silentOnVersions reports whether that version of Kafka is one from before
// KIP-35: 0.10 was the first to answer ApiVersions.
func silentOnVersions(version string) bool {
	version = strings.TrimPrefix(version, "v")
	return strings.HasPrefix(version, "0.8") || strings.HasPrefix(version, "0.9")
}

// reachable turns the address of a listener on every address into one to dial.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsUnspecified() {
		return address
	}
	return net.JoinHostPort("127.0.0.1", port)
}

// bootstrap returns the addresses of a listener, as its clients are told them.
func (k *kafkaRun) bootstrap(listener int) string {
	var all []string
	for _, b := range k.cluster.Brokers() {
		all = append(all, b.ListenerAddr(k.entrances[listener].Name))
	}
	return strings.Join(all, ",")
}

// greet prints the settings of a client, as a Java properties file: the first
// listener's in force, those of the others and an example as comments.
func (k *kafkaRun) greet(w io.Writer) error {
	var b strings.Builder
	for i := range k.entrances {
		for _, setting := range k.properties(i) {
			if i > 0 {
				b.WriteString("# ")
			}
			b.WriteString(setting[0] + "=" + setting[1] + "\n")
		}
	}
	b.WriteString("#\n# kcat: " + strings.Join(k.kcat(), "\n#       ") + "\n# Ctrl-C stops it.\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// properties returns a client's settings for a listener.
func (k *kafkaRun) properties(listener int) [][2]string {
	e := k.entrances[listener]
	all := [][2]string{{"bootstrap.servers", k.bootstrap(listener)}}
	if e.protocol != "PLAINTEXT" {
		all = append(all, [2]string{"security.protocol", string(e.protocol)})
	}
	if e.Mechanisms != nil {
		user := sortedKeys(k.config.Users)[0]
		module := "scram.ScramLoginModule"
		if e.Mechanisms[0] == "PLAIN" {
			module = "plain.PlainLoginModule"
		}
		jaas := fmt.Sprintf("org.apache.kafka.common.security.%s required username=%q password=%q;",
			module, user, k.config.Users[user])
		all = append(all, [2]string{"sasl.mechanism", e.Mechanisms[0]}, [2]string{"sasl.jaas.config", jaas})
	}
	if e.TLS != nil && k.config.TLS.SelfSigned != "" {
		ca := authorityFile(k.config.TLS.SelfSigned)
		all = append(all, [2]string{"ssl.truststore.type", "PEM"}, [2]string{"ssl.truststore.location", ca})
	}
	return all
}

// kcat returns commands to try the first listener with.
func (k *kafkaRun) kcat() []string {
	e := k.entrances[0]
	first, _, _ := strings.Cut(k.bootstrap(0), ",")
	kcat := "kcat -b " + first
	if e.protocol != "PLAINTEXT" {
		kcat += " -X security.protocol=" + string(e.protocol)
	}
	if e.Mechanisms != nil {
		user := sortedKeys(k.config.Users)[0]
		kcat += fmt.Sprintf(" -X sasl.mechanism=%s -X sasl.username=%s -X sasl.password=%s",
			e.Mechanisms[0], shellQuoted(user), shellQuoted(k.config.Users[user]))
	}
	if e.TLS != nil && k.config.TLS.SelfSigned != "" {
		kcat += " -X ssl.ca.location=" + shellQuoted(authorityFile(k.config.TLS.SelfSigned))
	}
	topics := sortedKeys(k.config.Topics)
	if topics == nil && k.config.AutoCreate != nil && !*k.config.AutoCreate {
		return []string{kcat + " -L"}
	}
	topic := "greetings"
	if topics != nil {
		topic = cmp.Or(topics[0], topic)
	}
	return []string{
		"echo hello | " + kcat + " -t " + topic + " -P",
		kcat + " -t " + topic + " -C -e",
	}
}

// shellQuoted quotes what a shell would take apart.
func shellQuoted(s string) string {
	odd := func(r rune) bool {
		return r > unicode.MaxASCII || r <= ' ' || strings.ContainsRune("\"'`$&|;<>()*?[]#~!{}\\^", r)
	}
	if s != "" && !strings.ContainsFunc(s, odd) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
