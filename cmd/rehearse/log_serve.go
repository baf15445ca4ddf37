// rehearse log serve: a node of a replicated commit log.

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rehearse-go/rehearse/commitlog/agent"
)

func logServeCommand() *cobra.Command {
	var given nodeConfig
	var file string
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run a node of a replicated commit log",
		Long: "Run a node until interrupted. When it serves, which is when it knows who leads, where it is\n" +
			"reached goes to standard output; what happens is logged on standard error.\n\n" +
			"What a flag does not say, the environment does (--data-dir is REHEARSE_LOG_DATA_DIR), else the\n" +
			"YAML file of --config-file, whose keys are the flags' names. Lists may be given as one, with\n" +
			"commas, or by repeating the flag.\n\n" +
			"An interrupt, or SIGTERM, ends it so that nobody is hurt; another one, a second later, at once.",
		Example: "  rehearse log serve --bootstrap --data-dir data\n" +
			"  rehearse log serve --node-name n1 --data-dir n1 --bind-addr 127.0.0.1:8411 --rpc-port 8410 \\\n" +
			"    --start-join-addrs 127.0.0.1:8401",
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			config, err := layeredNode(file, &given)
			if err != nil {
				return err
			}
			return config.serve(c.Context(), streams{c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr()})
		},
	}
	addFieldFlags(c, reflect.ValueOf(&given).Elem(), logDocs)
	c.Flags().StringVar(&file, "config-file", "", "read what neither flags nor the environment say from this "+
		"YAML `file`")
	return c
}

// defaultShutdown is how long the end of a node may take if nothing is said.
const defaultShutdown = 10 * time.Second

// A nodeRun is one life of a node.
type nodeRun struct {
	config nodeConfig
	agent  *agent.Agent
	ports  *ports
	log    *slog.Logger
	ended  chan error
}

// serve runs the node until ctx ends or it fails.
func (c nodeConfig) serve(ctx context.Context, s streams) error {
	config, err := c.agent()
	if err != nil {
		return err
	}
	lines := newPatient(s.err, patience)
	defer lines.close()
	r := &nodeRun{config: c, ports: newPorts(), log: c.logger(lines), ended: make(chan error, 1)}
	for _, name := range strangeVariables(os.Environ()) {
		r.log.Warn("a variable that is no flag's: " + name)
	}
	config.Listen, config.ListenPacket, config.Logger = r.ports.listen, r.ports.listenPacket, r.log
	if r.agent, err = agent.New(config); err != nil {
		return c.explain(err)
	}
	r.ports.opened(c)
	r.log.Info("opened", "node", r.agent.Node().Status().Name, "rpc", r.agent.RPCAddr(),
		"data", wholePath(config.Dir), "process", os.Getpid())
	go func() { r.ended <- r.agent.Run(context.WithoutCancel(ctx)) }()
	return r.live(ctx, s.out)
}

func (c nodeConfig) logger(w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel.level()}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// live tells when the node serves, and ends it when ctx ends.
func (r *nodeRun) live(ctx context.Context, out io.Writer) error {
	led := make(chan error, 1)
	go func() {
		_, err := r.agent.Node().WaitLeader(ctx)
		led <- err
	}()
	for {
		select {
		case err := <-r.ended:
			return r.config.explain(err)
		case err := <-led:
			led = nil
			if err != nil {
				continue // it ends, or was told to
			}
			if err := r.greet(out); err != nil {
				return errors.Join(err, r.end())
			}
		case <-ctx.Done():
			return r.end()
		}
	}
}

// end ends the node so that nobody is hurt, within the time there is.
func (r *nodeRun) end() error {
	select {
	case <-r.ports.begun: // only an agent that runs can be told to end
	case err := <-r.ended:
		return r.config.explain(err)
	}
	r.log.Info("stopping", "leaving", isTrue(r.config.Leave))
	within := cmp.Or(r.config.Shutdown.duration(), defaultShutdown)
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	end := r.agent.Shutdown
	if isTrue(r.config.Leave) {
		end = r.agent.Leave
	}
	if err := end(ctx); err != nil {
		return fmt.Errorf("--shutdown-timeout %v is over: %w", within, err)
	}
	err := <-r.ended
	r.log.Info("stopped")
	return r.config.explain(err)
}

// greet prints where the node is reached and, as comments, what it is and how
// to try it.
func (r *nodeRun) greet(w io.Writer) error {
	s := r.agent.Node().Status()
	var b strings.Builder
	fmt.Fprintf(&b, "address=%s\ngossip=%s\n", r.agent.RPCAddr(), r.ports.gossip())
	for _, web := range []struct{ name, address string }{{"health", r.ports.health}, {"gateway", r.ports.gateway}} {
		if web.address != "" {
			fmt.Fprintf(&b, "%s=%s\n", web.name, web.address)
		}
	}
	try := "rehearse log produce --addrs " + r.agent.RPCAddr()
	if r.config.ServerCert != "" {
		try += " --tls-cert-file root.pem --tls-key-file root-key.pem --tls-ca-file " + shellQuoted(r.config.ServerCA)
	}
	fmt.Fprintf(&b, "#\n# node %s of cluster %s, led by %s\n# %s hello\n# Ctrl-C stops it.\n",
		s.Name, s.Cluster, s.Leader.ID, try)
	r.log.Info("ready", "node", s.Name, "cluster", s.Cluster, "leader", s.Leader.ID, "term", s.Term)
	_, err := io.WriteString(w, b.String())
	return err
}
