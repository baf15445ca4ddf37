// By which addresses others know the agent.

package agent

import (
	"fmt"
	"net"
	"os"

	"github.com/rehearse-go/rehearse/commitlog/wal"
)

// advertised is where others reach the RPC port that listens on addr: as
// Config.Advertise says, else by the host in Config.RPC, which certificates
// name, with the port that it got.
func advertised(c Config, addr net.Addr) (string, error) {
	_, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return "", fmt.Errorf("agent: Config.RPC %s: %w", c.RPC, err)
	}
	if host, p, err := net.SplitHostPort(c.Advertise); err == nil && host != "" {
		if p != "" && p != "0" {
			port = p
		}
		return net.JoinHostPort(host, port), nil
	}
	if c.Advertise != "" {
		return net.JoinHostPort(c.Advertise, port), nil
	}
	host, _, err := net.SplitHostPort(c.RPC)
	if err != nil {
		return "", fmt.Errorf("agent: Config.RPC %s: %w", c.RPC, err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		return "", fmt.Errorf("agent: Config.RPC %q names no host: say in Config.Advertise how others reach it", c.RPC)
	}
	return net.JoinHostPort(host, port), nil
}

// advertisedGossip is where others reach Serf: at the same host.
func advertisedGossip(c Config) string {
	if c.Advertise == "" {
		return ""
	}
	host, _, err := net.SplitHostPort(c.Advertise)
	if err != nil {
		host = c.Advertise
	}
	_, port, err := net.SplitHostPort(c.Bind)
	if err != nil {
		return host
	}
	return net.JoinHostPort(host, port)
}

// hostname is what a node is called that is not given a name.
func hostname() (string, error) { return os.Hostname() }

// openFS returns where the log lies.
func openFS(c Config) (wal.FS, error) {
	if c.FS != nil {
		return c.FS, nil
	}
	return wal.Dir(c.Dir)
}
