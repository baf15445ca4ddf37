// A directory with everything that a try-out needs.

package certs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A file is one that WriteDir is to write.
type file struct {
	name string
	body []byte
	perm fs.FileMode
}

// WriteDir makes the directory, unless it is there, and writes into it
//
//	ca.pem  ca-key.pem      the authority
//	n0.pem  n0-key.pem      for each host: for both sides of a connection, by the name [Peer]
//	root.pem  root-key.pem  for each client: for a client, by that name
//
// Keys can be read by the user alone. A host may have several names or
// addresses, separated by commas; its files are called by the first, with "_"
// for "*" and ":". A file that is there is never written over, and then
// none is written; but this authority's own may be there, so that more hosts
// and clients can be added.
func (a *Authority) WriteDir(dir string, hosts, clients []string) error {
	files, err := a.files(hosts, clients)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("certs: %w", err)
	}
	missing, err := absent(dir, files)
	if err != nil {
		return err
	}
	for i, f := range missing {
		if err := create(filepath.Join(dir, f.name), f); err != nil {
			for _, written := range missing[:i] {
				os.Remove(filepath.Join(dir, written.name))
			}
			return fmt.Errorf("certs: %w", err)
		}
	}
	return nil
}

// files makes the authority's two files and two for each host and client.
func (a *Authority) files(hosts, clients []string) ([]file, error) {
	files := []file{{"ca.pem", a.certPEM, 0o644}, {"ca-key.pem", a.keyPEM, 0o600}}
	for _, host := range hosts {
		names := strings.Split(host, ",")
		base := strings.NewReplacer("*", "_", ":", "_").Replace(names[0])
		pair, err := a.Issue(Subject{CommonName: Peer, Hosts: names})
		if err != nil {
			return nil, err
		}
		files = append(files, pair.files(base)...)
	}
	for _, client := range clients {
		if err := checkClient(client); err != nil {
			return nil, err
		}
		pair, err := a.Issue(Subject{CommonName: client, Client: true})
		if err != nil {
			return nil, err
		}
		files = append(files, pair.files(client)...)
	}
	seen := map[string]bool{}
	for _, f := range files {
		if folded := strings.ToLower(f.name); seen[folded] {
			return nil, fmt.Errorf("certs: two certificates would be in the file %s; rename a host or a client", f.name)
		} else {
			seen[folded] = true
		}
	}
	return files, nil
}

func (p Pair) files(base string) []file {
	return []file{{base + ".pem", p.CertPEM, 0o644}, {base + "-key.pem", p.KeyPEM, 0o600}}
}

// checkClient refuses names that are not those of a client, or of no file.
func checkClient(name string) error {
	if name == Peer {
		return fmt.Errorf("certs: a client cannot be called %q, which is the name of the nodes", name)
	}
	if name == "" || strings.HasPrefix(name, ".") || strings.ContainsAny(name, `/\:*?"<>|`) ||
		strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return fmt.Errorf("certs: a client called %q cannot have files of that name", name)
	}
	return nil
}

// absent returns the files that are not there yet. Others are an error, except
// the authority's own.
func absent(dir string, files []file) (missing []file, err error) {
	for i, f := range files {
		path := filepath.Join(dir, f.name)
		there, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, f)
		case err != nil:
			return nil, fmt.Errorf("certs: %w", err)
		case i < 2 && !bytes.Equal(there, f.body):
			return nil, fmt.Errorf("certs: %s is of another authority; load that one, or use another directory", path)
		case i >= 2:
			return nil, fmt.Errorf("certs: %s is there already; remove it, or use another directory", path)
		}
	}
	return missing, nil
}

// create writes a file that is not there.
func create(path string, f file) error {
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.perm)
	if err != nil {
		return err
	}
	_, err = out.Write(f.body)
	if err := errors.Join(err, out.Close()); err != nil {
		os.Remove(path)
		return err
	}
	return nil
}
