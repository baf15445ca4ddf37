// Certificates that all nodes of a cluster trust, processes too.

package commitlogtest

import (
	"fmt"
	"hash/fnv"
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
	issued map[string]agent.TLS // by node
}

const authorityFile, authorityKeyFile = "ca.pem", "ca-key.pem"

// dirVar is the variable that names the directory of a test's authority to the
// processes of its nodes: each test has its own, since tests may run at once.
func dirVar(t *testing.T) string {
	return fmt.Sprintf("REHEARSE_COMMITLOGTEST_CERTS_%X", hashed(t.Name()))
}

func hashed(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return h.Sum64()
}

// newTrust makes an authority; in a node's process, and for another cluster of
// the same test, it takes the one that is there.
func newTrust(t *testing.T, c Config) *trust {
	t.Helper()
	if c.Plain {
		return nil
	}
	made := &trust{dir: os.Getenv(dirVar(t)), issued: map[string]agent.TLS{}}
	var err error
	if made.dir == "" {
		made.dir = t.TempDir()
		os.Setenv(dirVar(t), made.dir) // for processes; not t.Setenv, which forbids parallel tests
		t.Cleanup(func() { os.Unsetenv(dirVar(t)) })
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

// files returns a node's certificate, which is made once, and once more in each
// process: in a directory of its own, for a process that was killed while it
// wrote leaves nobody half a certificate.
func (s *trust) files(node string) (agent.TLS, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if named, ok := s.issued[node]; ok {
		return named, nil
	}
	dir, err := os.MkdirTemp(s.dir, node+"-")
	if err != nil {
		return agent.TLS{}, err
	}
	if err := s.authority.WriteDir(dir, []string{node}, nil); err != nil {
		return agent.TLS{}, err
	}
	s.issued[node] = agent.TLS{
		Cert: filepath.Join(dir, node+".pem"), Key: filepath.Join(dir, node+"-key.pem"),
		CA: filepath.Join(dir, authorityFile),
	}
	return s.issued[node], nil
}
