// rehearse log certs: an authority and certificates, for trying a cluster out.

package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rehearse-go/rehearse/commitlog/certs"
)

// A certsConfig says which certificates to make.
type certsConfig struct {
	dir            string
	hosts, clients []string
	gossipKey      bool
}

func logCertsCommand() *cobra.Command {
	var config certsConfig
	c := &cobra.Command{
		Use:   "certs",
		Short: "Make certificates for a cluster's nodes and clients",
		Long: "Make an authority, a certificate for each host, for both sides of a connection, and one for each\n" +
			"client, all in a directory. What is there already is kept, so that more can be added, by the same\n" +
			"authority. A host may have further names or addresses: n0+127.0.0.1+localhost.\n\n" +
			"The authority's key lies beside what it signs, without a password: use it to try things out.",
		Example: "  rehearse log certs --dir certs --hosts n0+127.0.0.1,n1,n2 --clients root,nobody --gossip-key",
		Args:    noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return config.make(c.OutOrStdout())
		},
	}
	c.Flags().StringVar(&config.dir, "dir", "", "the `directory`; it is made if it is not there")
	c.Flags().StringSliceVar(&config.hosts, "hosts", nil, "the nodes' `hosts`, by which others reach them")
	c.Flags().StringSliceVar(&config.clients, "clients", []string{"root"}, "the clients' `names`")
	c.Flags().BoolVar(&config.gossipKey, "gossip-key", false, "make a key for gossip too, in gossip.key")
	return c
}

// make makes what is not there yet, and tells of each file.
func (c certsConfig) make(w io.Writer) error {
	switch {
	case c.dir == "":
		return errors.New("no directory to write to: give --dir DIR")
	case len(c.hosts) == 0:
		return errors.New("no nodes to make certificates for: give --hosts HOST,HOST")
	}
	authority, err := c.authority()
	if err != nil {
		return err
	}
	hosts, err := c.missing(authority, c.hosts, true)
	if err != nil {
		return err
	}
	clients, err := c.missing(authority, c.clients, false)
	if err != nil {
		return err
	}
	if err := authority.WriteDir(c.dir, hosts, clients); err != nil {
		return certsError(err)
	}
	fmt.Fprintf(w, "ca=%s\n", filepath.Join(c.dir, "ca.pem"))
	for i, name := range slices.Concat(c.hosts, c.clients) {
		cert, key := c.files(name, i < len(c.hosts))
		fmt.Fprintf(w, "cert=%s key=%s\n", cert, key)
	}
	if !c.gossipKey {
		return nil
	}
	name := filepath.Join(c.dir, "gossip.key")
	if _, err := makeGossipKey(name); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "gossip-key=%s\n", name)
	return err
}

// certsError is an error of package certs in the command's words.
func certsError(err error) error {
	text := strings.ReplaceAll(err.Error(), "certs: ", "")
	return &fileError{strings.ReplaceAll(text, "Subject.CommonName is empty", "--clients has an empty name"), err}
}

// authority loads the directory's authority, or makes one.
func (c certsConfig) authority() (*certs.Authority, error) {
	certFile, keyFile := filepath.Join(c.dir, "ca.pem"), filepath.Join(c.dir, "ca-key.pem")
	cert, err := readBounded(certFile)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(keyFile); err == nil {
			return nil, fmt.Errorf("%s is there and ca.pem is not: remove it, or use another directory", keyFile)
		}
		return certs.NewAuthority(certs.Config{})
	}
	if err != nil {
		return nil, err
	}
	key, err := readBounded(keyFile)
	if err != nil {
		return nil, fmt.Errorf("%w: without it nothing can be signed; use another directory", err)
	}
	authority, err := certs.LoadAuthority(cert, key)
	if err != nil {
		return nil, fmt.Errorf("%s, %s: %w", certFile, keyFile, certsError(err))
	}
	return authority, nil
}

// files are those of a host, with all its names, or of a client.
func (c certsConfig) files(name string, host bool) (cert, key string) {
	if host {
		name, _, _ = strings.Cut(name, "+")
		name = strings.NewReplacer("*", "_", ":", "_").Replace(name)
	}
	base := filepath.Join(c.dir, name)
	return base + ".pem", base + "-key.pem"
}

// missing returns those whose certificate is not there yet, as WriteDir takes
// them. One that is there must be good.
func (c certsConfig) missing(a *certs.Authority, names []string, host bool) (missing []string, err error) {
	for _, name := range names {
		cert, key := c.files(name, host)
		_, noCert := os.Stat(cert)
		_, noKey := os.Stat(key)
		switch {
		case noCert != nil && noKey != nil || strings.ContainsAny(name, `/\`): // what WriteDir refuses
			missing = append(missing, asNames(name, host))
		case noCert != nil || noKey != nil:
			return nil, fmt.Errorf("of %s and %s only one is there: remove it", cert, key)
		default:
			if err := goodCertificate(a, cert, key, asNames(name, host)); err != nil {
				return nil, err
			}
		}
	}
	return missing, nil
}

// asNames are a host's names as WriteDir takes them, or a client's one.
func asNames(name string, host bool) string {
	if host {
		return strings.ReplaceAll(name, "+", ",")
	}
	return name
}

// goodCertificate refuses a certificate that is not what would be made.
func goodCertificate(a *certs.Authority, cert, key, names string) error {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("%s, %s: %w; remove both", cert, key, plainError(err))
	}
	if time.Now().After(pair.Leaf.NotAfter) {
		return fmt.Errorf("%s expired at %v: remove it and %s", cert, pair.Leaf.NotAfter, key)
	}
	_, err = pair.Leaf.Verify(x509.VerifyOptions{Roots: a.Pool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if err != nil {
		return fmt.Errorf("%s is not of this directory's authority: remove it and %s: %w", cert, key, err)
	}
	for name := range strings.SplitSeq(names, ",") {
		known := pair.Leaf.Subject.CommonName == name || slices.Contains(pair.Leaf.DNSNames, name)
		if !known && pair.Leaf.VerifyHostname(name) != nil {
			return fmt.Errorf("%s is there and not for %s: remove it and %s", cert, name, key)
		}
	}
	return nil
}
