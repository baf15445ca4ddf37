// What rehearse log serve is told, by flags, the environment and a file alike.

package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/agent"
)

// A nodeConfig says what node to run. Its fields are flags, keys of the file,
// variables of the environment and rows of the documentation by the same tags
// as those of kafkaConfig.
//
// What each is stands in logDocs.
type nodeConfig struct {
	DataDir   string      `yaml:"data-dir" flag:"data-dir" arg:"directory"`
	NodeName  string      `yaml:"node-name" flag:"node-name" arg:"name"`
	Bind      hostPort    `yaml:"bind-addr" flag:"bind-addr" arg:"address"`
	RPCPort   portNumber  `yaml:"rpc-port" flag:"rpc-port" arg:"port"`
	RPC       hostPort    `yaml:"rpc-addr" flag:"rpc-addr" arg:"address"`
	Advertise string      `yaml:"advertise-addr" flag:"advertise-addr" arg:"host"`
	Join      []otherNode `yaml:"start-join-addrs" flag:"start-join-addrs" arg:"address"`
	Bootstrap *bool       `yaml:"bootstrap" flag:"bootstrap"`

	ACLModel  string `yaml:"acl-model-file" flag:"acl-model-file" arg:"file"`
	ACLPolicy string `yaml:"acl-policy-file" flag:"acl-policy-file" arg:"file"`

	ServerCert string `yaml:"server-tls-cert-file" flag:"server-tls-cert-file" arg:"file"`
	ServerKey  string `yaml:"server-tls-key-file" flag:"server-tls-key-file" arg:"file"`
	ServerCA   string `yaml:"server-tls-ca-file" flag:"server-tls-ca-file" arg:"file"`
	PeerCert   string `yaml:"peer-tls-cert-file" flag:"peer-tls-cert-file" arg:"file"`
	PeerKey    string `yaml:"peer-tls-key-file" flag:"peer-tls-key-file" arg:"file"`
	PeerCA     string `yaml:"peer-tls-ca-file" flag:"peer-tls-ca-file" arg:"file"`
	GossipKey  string `yaml:"gossip-key-file" flag:"gossip-key-file" arg:"file"`
	Plaintext  *bool  `yaml:"plaintext" flag:"plaintext"`

	Health  hostPort `yaml:"health-addr" flag:"health-addr" arg:"address"`
	Gateway hostPort `yaml:"gateway-addr" flag:"gateway-addr" arg:"address"`

	RetainBytes  byteSize `yaml:"retain-bytes" flag:"retain-bytes" arg:"size"`
	RetainAge    span     `yaml:"retain-age" flag:"retain-age" arg:"duration"`
	SegmentBytes byteSize `yaml:"segment-bytes" flag:"segment-bytes" arg:"size"`
	RemoveAfter  span     `yaml:"remove-after" flag:"remove-after" arg:"duration"`
	Heartbeat    span     `yaml:"heartbeat" flag:"heartbeat" arg:"duration"`
	Election     int      `yaml:"election-ticks" flag:"election-ticks" min:"2" max:"1000"`
	Canonical    *bool    `yaml:"canonical-codes" flag:"canonical-codes"`

	LogLevel  severity `yaml:"log-level" flag:"log-level" arg:"level"`
	LogFormat logForm  `yaml:"log-format" flag:"log-format" arg:"form"`
	Shutdown  span     `yaml:"shutdown-timeout" flag:"shutdown-timeout" arg:"duration"`
	Leave     *bool    `yaml:"leave" flag:"leave"`
}

const (
	defaultDataDir = "rehearse-log"
	defaultBind    = "127.0.0.1:8401"
	defaultRPCPort = "8400"
)

// agent returns what the agent is told, but for what it stands on.
func (c nodeConfig) agent() (agent.Config, error) {
	config := agent.Config{
		Name: c.NodeName, Dir: cmp.Or(c.DataDir, defaultDataDir), Bootstrap: isTrue(c.Bootstrap),
		Bind: string(cmp.Or(c.Bind, defaultBind)), RPC: c.rpc(),
		ServerTLS: agent.TLS{Cert: c.ServerCert, Key: c.ServerKey, CA: c.ServerCA},
		PeerTLS:   agent.TLS{Cert: c.PeerCert, Key: c.PeerKey, CA: c.PeerCA},
		ACL:       agent.ACL{Model: c.ACLModel, Policy: c.ACLPolicy}, Plaintext: isTrue(c.Plaintext),
		Segment: c.SegmentBytes.bytes(),
		Retain:  commitlog.Retain{Bytes: c.RetainBytes.bytes(), Age: c.RetainAge.duration()},
		Gone:    agent.Gone{RemoveAfter: c.RemoveAfter.duration()},

		Heartbeat: c.Heartbeat.duration(), Election: c.Election, Canonical: isTrue(c.Canonical),
		Health: string(c.Health), Gateway: string(c.Gateway),
	}
	for _, other := range c.Join {
		config.Join = append(config.Join, string(other))
	}
	if err := errors.Join(whole("server", config.ServerTLS), whole("peer", config.PeerTLS)); err != nil {
		return config, err
	}
	if c.PeerCert != "" && c.ServerCert == "" {
		return config, errors.New("--peer-tls-cert-file is given and --server-tls-cert-file is not: " +
			"clients would go without TLS; give both, or the second alone for both")
	}
	if config.ACL != (agent.ACL{}) && c.ServerCert == "" {
		return config, errors.New("--acl-model-file and --acl-policy-file need --server-tls-cert-file: " +
			"without certificates nobody has a name")
	}
	for _, file := range []struct{ flag, name string }{
		{"acl-model-file", c.ACLModel}, {"acl-policy-file", c.ACLPolicy},
		{"server-tls-cert-file", c.ServerCert}, {"server-tls-key-file", c.ServerKey},
		{"server-tls-ca-file", c.ServerCA}, {"peer-tls-cert-file", c.PeerCert},
		{"peer-tls-key-file", c.PeerKey}, {"peer-tls-ca-file", c.PeerCA},
	} {
		if err := readable(file.flag, file.name); err != nil {
			return config, err
		}
	}
	return c.further(config)
}

// further adds what takes a closer look.
func (c nodeConfig) further(config agent.Config) (_ agent.Config, err error) {
	if config.Advertise, err = c.advertised(config.RPC); err != nil {
		return config, err
	}
	if c.GossipKey == "" {
		return config, nil
	}
	config.GossipKey, err = readGossipKey(c.GossipKey)
	if err != nil {
		return config, fmt.Errorf("--gossip-key-file %w", err)
	}
	return config, nil
}

// readable refuses a file that is not there, or is none.
func readable(flag, name string) error {
	if name == "" {
		return nil
	}
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return fmt.Errorf("--%s %w", flag, plainError(err))
	case !info.Mode().IsRegular():
		return fmt.Errorf("--%s %s: it is no file", flag, name)
	}
	return nil
}

// rpc is where clients are listened for.
func (c nodeConfig) rpc() string {
	if c.RPC != "" {
		return string(c.RPC)
	}
	host, _, err := net.SplitHostPort(string(cmp.Or(c.Bind, defaultBind)))
	if err != nil {
		host = "127.0.0.1" // not reached: an address is checked as it is read
	}
	return net.JoinHostPort(host, string(cmp.Or(c.RPCPort, defaultRPCPort)))
}

// whole refuses a certificate without its key or authorities.
func whole(side string, t agent.TLS) error {
	if (t.Cert == "") == (t.Key == "") && (t.Key == "") == (t.CA == "") {
		return nil
	}
	return fmt.Errorf("--%[1]s-tls-cert-file, --%[1]s-tls-key-file and --%[1]s-tls-ca-file belong together: "+
		"give all three or none", side)
}

// advertised is the host by which others know the node. Its ports are those
// that are listened on, so one in the flag says nothing new.
func (c nodeConfig) advertised(rpc string) (string, error) {
	if c.Advertise == "" {
		return "", nil
	}
	host, port, err := net.SplitHostPort(c.Advertise)
	if err != nil {
		host, port = strings.Trim(c.Advertise, "[]"), ""
	}
	strange := strings.Contains(host, ":") && net.ParseIP(host) == nil ||
		port != "" && new(portNumber).UnmarshalText([]byte(port)) != nil
	if host == "" || strange || strings.ContainsAny(host, "/ \t\r\n[]") {
		return "", fmt.Errorf("--advertise-addr %s: want a host, such as n0.example.com", c.Advertise)
	}
	_, bound, _ := net.SplitHostPort(string(cmp.Or(c.Bind, defaultBind)))
	_, called, _ := net.SplitHostPort(rpc)
	if port != "" && port != bound && port != called {
		return "", fmt.Errorf("--advertise-addr %s: others use the ports of --bind-addr (%s) and --rpc-port (%s), "+
			"so give the host alone", c.Advertise, bound, called)
	}
	return host, nil
}

// A hostPort is an address to listen at. The host may be left out, and is then
// every address of this machine.
type hostPort string

// UnmarshalText refuses what is no address.
func (a *hostPort) UnmarshalText(text []byte) error {
	host, port, err := net.SplitHostPort(string(text))
	if err != nil || strings.ContainsAny(host, "/ \t\r\n") {
		return fmt.Errorf("%q is no address; want HOST:PORT, such as 127.0.0.1:8401", text)
	}
	if err := new(portNumber).UnmarshalText([]byte(port)); err != nil {
		return fmt.Errorf("%q: %w", text, err)
	}
	*a = hostPort(text)
	return nil
}

// A portNumber is a port; 0 is a free one.
type portNumber string

// UnmarshalText refuses what is no port.
func (p *portNumber) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 10, 16)
	if err != nil {
		return fmt.Errorf("a port is a number up to 65535, not %q", text)
	}
	*p = portNumber(strconv.FormatUint(n, 10))
	return nil
}

// An otherNode is where another node is reached.
type otherNode string

// UnmarshalText refuses what cannot be dialled.
func (o *otherNode) UnmarshalText(text []byte) error {
	host, port, err := net.SplitHostPort(string(text))
	n, bad := strconv.ParseUint(port, 10, 16)
	if err != nil || bad != nil || n == 0 || host == "" || strings.ContainsAny(host, "/ \t\r\n") {
		return fmt.Errorf("%q is no address of a node; want HOST:PORT", text)
	}
	*o = otherNode(text)
	return nil
}

// A severity is how grave a thing must be to be logged.
type severity string

func (severity) allowed() []string { return []string{"debug", "info", "warn", "error"} }

// UnmarshalText refuses what is not allowed.
func (s *severity) UnmarshalText(text []byte) error {
	word, err := chosen(text, *s)
	*s = severity(word)
	return err
}

func (s severity) level() (l slog.Level) {
	_ = l.UnmarshalText([]byte(cmp.Or(s, "info"))) // checked as it was read
	return l
}

// A logForm is how a line of the log is written.
type logForm string

func (logForm) allowed() []string { return []string{"text", "json"} }

// UnmarshalText refuses what is not allowed.
func (f *logForm) UnmarshalText(text []byte) error {
	word, err := chosen(text, *f)
	*f = logForm(word)
	return err
}

// wholePath is a directory's name from the root, for what is told of it.
func wholePath(dir string) string {
	if path, err := filepath.Abs(dir); err == nil {
		return path
	}
	return dir
}
