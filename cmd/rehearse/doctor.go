// rehearse doctor: what is wrong with a server, as its clients meet it.

package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// errProblems ends a doctor that found problems and has told them.
var errProblems = errors.New("problems found")

func doctorCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Find out why clients cannot reach a server",
		Args:  noArguments,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(doctorKafkaCommand())
	return c
}

// A doctorConfig says whom to examine, and as whom.
type doctorConfig struct {
	address   string
	tls       bool
	ca        string // a file
	cert, key string // files
	insecure  bool
	user      string // NAME:PASSWORD
	mechanism string
	timeout   time.Duration
	json      bool
}

func doctorKafkaCommand() *cobra.Command {
	var d doctorConfig
	c := &cobra.Command{
		Use:   "kafka HOST:PORT",
		Short: "Dial a Kafka cluster and every address it advertises, and explain what is found",
		Long: "Do what a client does: dial, ask for the versions, log in, ask for the brokers, and dial\n" +
			"every address they advertise. Tell what is wrong and how to mend it. Works with any\n" +
			"Kafka cluster. Exits with 0 if all is well, 1 if not, 2 if the command line is bad.",
		Example: "  rehearse doctor kafka localhost:9092\n" +
			"  rehearse doctor kafka kafka.example.com:9093 --tls --user alice:secret",
		Args: asUsed,
		RunE: func(c *cobra.Command, args []string) error {
			d.address = args[0]
			return d.run(c.Context(), c.OutOrStdout())
		},
	}
	f := c.Flags()
	f.BoolVar(&d.tls, "tls", false, "speak TLS")
	f.StringVar(&d.ca, "tls-ca", "", "trust the authorities of this PEM `file`; implies --tls")
	f.StringVar(&d.cert, "tls-cert", "", "show this certificate, a PEM `file`; implies --tls")
	f.StringVar(&d.key, "tls-key", "", "the certificate's key, a PEM `file`")
	f.BoolVar(&d.insecure, "tls-insecure", false, "believe any certificate; implies --tls")
	f.StringVar(&d.user, "user", "", "log in as `NAME:PASSWORD`")
	f.StringVar(&d.mechanism, "mechanism", "", "the SASL `mechanism`; the best that is offered if not given")
	f.DurationVar(&d.timeout, "timeout", 5*time.Second, "how long each address may take")
	f.BoolVar(&d.json, "json", false, "print the findings as JSON")
	return c
}

func (d doctorConfig) run(ctx context.Context, w io.Writer) error {
	way, err := d.access()
	if err != nil {
		return err
	}
	x := &examination{config: d, way: way, report: doctorReport{Address: d.address}}
	x.examine(ctx)
	if d.json {
		out := json.NewEncoder(w)
		out.SetIndent("", "  ")
		err = out.Encode(x.report)
	} else {
		_, err = io.WriteString(w, x.report.String())
	}
	if err == nil && len(x.report.Problems) > 0 {
		return errProblems
	}
	return err
}

// access checks the command line.
func (d doctorConfig) access() (access, error) {
	var way access
	host, port, err := net.SplitHostPort(d.address)
	if err != nil || host == "" || port == "" {
		return way, fmt.Errorf("%q is no address; want HOST:PORT, such as localhost:9092", d.address)
	}
	if d.timeout <= 0 {
		return way, fmt.Errorf("--timeout %v: want more than 0", d.timeout)
	}
	if d.user != "" {
		name, password, ok := strings.Cut(d.user, ":")
		if !ok || name == "" {
			return way, errors.New("--user: want NAME:PASSWORD")
		}
		way.user, way.password = name, password
	}
	if d.mechanism != "" {
		var m mechanism
		if err := m.UnmarshalText([]byte(d.mechanism)); err != nil {
			return way, fmt.Errorf("--mechanism: %w", err)
		}
		way.mechanism = string(m)
	}
	way.tls, err = d.tlsConfig()
	return way, err
}

func (d doctorConfig) tlsConfig() (*tls.Config, error) {
	if !d.tls && d.ca == "" && d.cert == "" && !d.insecure {
		return nil, nil
	}
	config := &tls.Config{InsecureSkipVerify: d.insecure}
	var err error
	if d.ca != "" {
		if config.RootCAs, err = readAuthorities(d.ca); err != nil {
			return nil, err
		}
	}
	if d.cert == "" {
		return config, nil
	}
	pair, err := tls.LoadX509KeyPair(d.cert, d.key)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert %s, --tls-key %s: %w", d.cert, d.key, plainError(err))
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}
