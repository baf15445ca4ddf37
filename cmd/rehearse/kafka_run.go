// Running the stand-in: from configuration to readiness, and to a graceful end.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/kafkatest"
)

// A kafkaRun is one life of the stand-in.
type kafkaRun struct {
	config    kafkaConfig
	entrances []entrance
	cluster   *kafkatest.Cluster
	bound     []string // what is listened on: each broker's listeners in order
}

// startKafka starts the cluster that the configuration describes, recording in
// j unless that is nil, and waits until it answers.
func startKafka(ctx context.Context, c kafkaConfig, j *journal.Journal) (*kafkaRun, error) {
	secured, err := c.tlsConfig()
	if err != nil {
		return nil, err
	}
	k := &kafkaRun{config: c}
	if k.entrances, err = c.entrances(secured); err != nil {
		return nil, err
	}
	config := c.cluster()
	config.Journal, config.Listen = j, k.listen
	for _, e := range k.entrances {
		config.Listeners = append(config.Listeners, e.Listener)
	}
	if k.cluster, err = kafkatest.New(config); err != nil {
		return nil, explainStart(ctx, err)
	}
	if err := k.ready(ctx); err != nil {
		return nil, errors.Join(err, k.cluster.Close())
	}
	for _, r := range c.Rules { // only now, so that they count the requests of others
		k.cluster.Apply(r)
	}
	return k, nil
}

// cluster returns what of the configuration is not about listeners.
func (c kafkaConfig) cluster() kafkatest.Config {
	config := kafkatest.Config{
		Brokers: c.Brokers, FirstID: int32(c.FirstID), Racks: c.Racks, Seed: c.Seed, Version: c.Version,
		Topics: map[string]int{}, TopicConfigs: map[string]map[string]string{},
		Settings: c.Settings,
	}
	for _, p := range c.SuperUsers {
		config.SuperUsers = append(config.SuperUsers, string(p))
	}
	for name, t := range c.Topics {
		config.Topics[name] = t.Partitions
		config.TopicConfigs[name] = t.Configs
	}
	for _, name := range sortedKeys(c.Users) {
		config.Users = append(config.Users, kafkatest.User{Name: name, Password: c.Users[name]})
	}
	if c.AutoCreate != nil {
		config.Settings = with(c.Settings, "auto.create.topics.enable", fmt.Sprint(*c.AutoCreate))
	}
	return config
}

// listen opens a listener and remembers where.
func (k *kafkaRun) listen(ctx context.Context, network, address string) (net.Listener, error) {
	var config net.ListenConfig
	config.SetMultipathTCP(false) // Go's default, which makes a listener in twice the time
	l, err := config.Listen(ctx, network, address)
	if err == nil {
		k.bound = append(k.bound, l.Addr().String())
	}
	return l, err
}

// explainStart says more about a port that is taken.
func explainStart(ctx context.Context, err error) error {
	var op *net.OpError
	if !errors.Is(err, syscall.EADDRINUSE) || !errors.As(err, &op) || op.Addr == nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return fmt.Errorf("%s is taken: %s. Stop that, or choose another port with --listen; port 0 takes a free one",
		op.Addr, whoAnswers(ctx, op.Addr.String()))
}

// runKafka runs the stand-in until ctx ends, and then tells of rules that never
// fired: whoever gave them is mistaken about something.
func runKafka(ctx context.Context, c kafkaConfig, s streams) error {
	r, err := c.records(s.err)
	if err != nil {
		return err
	}
	k, err := r.run(ctx, c, s.out)
	err = errors.Join(err, r.close())
	if k == nil {
		return err
	}
	for _, stat := range k.cluster.RuleStats() {
		if stat.Fired == 0 {
			fmt.Fprintf(s.err, "rehearse: note: %v\n", stat)
		}
	}
	return err
}

// run runs the stand-in until ctx ends. It returns it, closed, if it ever
// answered.
func (r *kafkaRecord) run(ctx context.Context, c kafkaConfig, out io.Writer) (k *kafkaRun, err error) {
	h, err := c.serveHealth(ctx)
	if err != nil {
		return nil, err
	}
	defer h.close()
	if k, err = startKafka(ctx, c, r.journal); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, k.cluster.Close()) }()
	if err := k.greet(out); err != nil {
		return k, err
	}
	r.log.Info("ready", "bootstrap", k.bootstrap(0), "brokers", len(k.cluster.Brokers()), "process", os.Getpid())
	h.ready.Store(true)
	select {
	case <-ctx.Done():
	case err = <-h.failed:
	}
	h.ready.Store(false)
	r.log.Info("stopping")
	return k, err
}
