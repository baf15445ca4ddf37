// Nodes that are rehearse log serve, and clients of them.

package log_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/rehearse-go/rehearse/interop/log/proglog"
)

// rehearse is the command, which TestMain builds.
var rehearse string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "interop-log-")
	if err == nil {
		rehearse = filepath.Join(dir, "rehearse")
		err = run("go", "build", "-C", filepath.Join("..", ".."), "-o", rehearse, "./cmd/rehearse")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func run(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %v: %w\n%s", name, args, err, out)
	}
	return nil
}

// must returns what a call returned, and ends the test if it failed.
func must[T any](what T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return what
	}
}

// within is how long a test may take.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// A cluster is nodes on loopback, with certificates.
type cluster struct {
	t     *testing.T
	certs string
	flags []string // of every node
	nodes []*node  // the first founds it
}

// A node is a process.
type node struct {
	name, address, gossip string
	process               *os.Process
}

// start starts a cluster, and returns when each node votes.
func start(t *testing.T, nodes int, flags ...string) *cluster {
	t.Helper()
	c := &cluster{t: t, certs: filepath.Join(t.TempDir(), "certs"), flags: flags}
	err := run(rehearse, "log", "certs", "--dir", c.certs, "--hosts", "127.0.0.1", "--clients", "root,nobody")
	if err != nil {
		t.Fatal(err)
	}
	for range nodes {
		c.add()
	}
	c.awaitVoters()
	return c
}

// awaitVoters waits until the leader has told that each node votes.
func (c *cluster) awaitVoters() {
	c.t.Helper()
	ctx, cancel := context.WithCancel(within(c.t))
	defer cancel()
	watch := exec.CommandContext(ctx, rehearse, "log", "watch", "--addrs", c.nodes[0].address,
		"--tls-ca-file", c.file("ca.pem"),
		"--tls-cert-file", c.file("root.pem"), "--tls-key-file", c.file("root-key.pem"))
	out := must(watch.StdoutPipe())(c.t)
	if err := watch.Start(); err != nil {
		c.t.Fatal(err)
	}
	defer watch.Wait()
	defer cancel() // which ends it
	voters := map[string]bool{}
	for lines := bufio.NewScanner(out); len(voters) < len(c.nodes); {
		if !lines.Scan() {
			c.t.Fatalf("of %d nodes only these vote: %v", len(c.nodes), voters)
		}
		words := strings.Fields(lines.Text())
		if len(words) > 3 && words[1] == "memberadded" && words[len(words)-1] == "voter" {
			voters[words[2]] = true
		}
	}
}

// add starts another node.
func (c *cluster) add() {
	c.t.Helper()
	n := &node{name: fmt.Sprintf("n%d", len(c.nodes))}
	args := []string{
		"log", "serve", "--node-name", n.name, "--data-dir", c.t.TempDir(),
		"--bind-addr", "127.0.0.1:0", "--rpc-port", "0", "--segment-bytes", "1MiB",
		"--server-tls-cert-file", c.file("127.0.0.1.pem"), "--server-tls-key-file", c.file("127.0.0.1-key.pem"),
		"--server-tls-ca-file", c.file("ca.pem"),
	}
	if len(c.nodes) == 0 {
		args = append(args, "--bootstrap")
	} else {
		args = append(args, "--start-join-addrs", c.nodes[0].gossip)
	}
	n.serve(c.t, exec.Command(rehearse, append(args, c.flags...)...))
	c.nodes = append(c.nodes, n)
}

func (c *cluster) file(name string) string { return filepath.Join(c.certs, name) }

// serve runs a node until the test ends, and returns when it has told where it
// is reached.
func (n *node) serve(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	said := new(bytes.Buffer)
	cmd.Stderr = said
	out := must(cmd.StdoutPipe())(t)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n.process = cmd.Process
	told := make(chan bool)
	rest := make(chan struct{})
	go func() {
		defer close(rest)
		n.read(out, told)
	}()
	t.Cleanup(func() {
		n.process.Kill()
		<-rest
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s:\n%s", n.name, said)
		}
	})
	select {
	case ok := <-told:
		if !ok {
			t.Fatalf("%s did not tell where it is reached", n.name)
		}
	case <-within(t).Done():
		t.Fatalf("%s does not serve", n.name)
	}
}

// read takes in what a node prints, and tells once whether it has told its
// addresses.
func (n *node) read(out io.Reader, told chan<- bool) {
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if address, ok := strings.CutPrefix(lines.Text(), "address="); ok {
			n.address = address
		}
		if gossip, ok := strings.CutPrefix(lines.Text(), "gossip="); ok {
			n.gossip = gossip
		}
		if n.address != "" && n.gossip != "" {
			told <- true
			break
		}
	}
	close(told)
	io.Copy(io.Discard, out)
}

// tls is what a client of that common name has and trusts.
func (c *cluster) tls(name string) *tls.Config {
	c.t.Helper()
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(must(os.ReadFile(c.file("ca.pem")))(c.t)) {
		c.t.Fatal("ca.pem holds no certificate")
	}
	pair := must(tls.LoadX509KeyPair(c.file(name+".pem"), c.file(name+"-key.pem")))(c.t)
	return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: authorities}
}

// dial returns a connection to a node as a client of that common name.
func (c *cluster) dial(n *node, name string, opts ...grpc.DialOption) *grpc.ClientConn {
	c.t.Helper()
	opts = append(opts, grpc.WithTransportCredentials(credentials.NewTLS(c.tls(name))))
	conn := must(grpc.NewClient(n.address, opts...))(c.t)
	c.t.Cleanup(func() { conn.Close() })
	return conn
}

// client is the ancestor's client of a node.
func (c *cluster) client(n *node, name string) proglog.LogClient {
	return proglog.NewLogClient(c.dial(n, name))
}
