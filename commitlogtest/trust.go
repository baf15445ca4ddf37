// Certificates that all nodes of a cluster trust, processes too.

package commitlogtest

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/commitlog/agent"
	"github.com/rehearse-go/rehearse/commitlog/certs"
)

// trust is an authority, and the files that it has signed.
type trust struct {
	dir       string
	authority *certs.Authority

	mu     sync.Mutex
	issued map[string]bool
}

// dirVar names the directory of certificates to the processes of nodes.
const dirVar = "REHEARSE_COMMITLOGTEST_CERTS"

const authorityFile, authorityKeyFile = "ca.pem", "ca-key.pem"

// newTrust makes an authority, or, in a node's process, takes its parent's.
func newTrust(t *testing.T, c Config) *trust {
	t.Helper()
	if c.Plain {
		return nil
	}
	made := &trust{dir: os.Getenv(dirVar), issued: map[string]bool{}}
	var err error
	if made.dir == "" {
		made.dir = t.TempDir()
		os.Setenv(dirVar, made.dir) // for processes; not t.Setenv, which forbids parallel tests
		t.Cleanup(func() { os.Unsetenv(dirVar) })
		err = made.found()
	} else {
		err = made.load()
	}
	if err != nil {
		t.Fatalf("commitlogtest: certificates: %v", err)
	}
	return made
}

// found makes an authority whose certificates hold in a bubble, which begins
// at the epoch, and now.
func (s *trust) found() (err error) {
	s.authority, err = certs.NewAuthority(certs.Config{Now: epoch, Valid: 100 * 365 * 24 * time.Hour})
	if err != nil {
		return err
	}
	return s.authority.WriteDir(s.dir, nil, nil)
}

func (s *trust) load() error {
	cert, err := os.ReadFile(filepath.Join(s.dir, authorityFile))
	if err != nil {
		return err
	}
	key, err := os.ReadFile(filepath.Join(s.dir, authorityKeyFile))
	if err != nil {
		return err
	}
	s.authority, err = certs.LoadAuthority(cert, key)
	return err
}

// files returns a node's certificate, which is made once.
func (s *trust) files(node string) (agent.TLS, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	named := agent.TLS{
		Cert: filepath.Join(s.dir, node+".pem"), Key: filepath.Join(s.dir, node+"-key.pem"),
		CA: filepath.Join(s.dir, authorityFile),
	}
	if s.issued[node] {
		return named, nil
	}
	if _, err := os.Stat(named.Key); err == nil { // by an earlier life's process
		return named, nil
	}
	if err := s.authority.WriteDir(s.dir, []string{node}, nil); err != nil && !errors.Is(err, os.ErrExist) {
		return named, err
	}
	s.issued[node] = true
	return named, nil
}
