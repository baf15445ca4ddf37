// rehearse up: a local server of the journals that tests left.

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
)

func upCommand() *cobra.Command {
	var u up
	c := &cobra.Command{
		Use:   "up",
		Short: "Serve the journals of a directory as pages, and run a Kafka to play with",
		Long: "Serve the journals (*.journal) of a directory and those beneath it as pages, to this\n" +
			"machine only, until interrupted. The directory is --dir, else $REHEARSE_ARTIFACTS, else\n" +
			"rehearse in the user's cache, where failed tests leave their journals.\n\n" +
			"Beside it runs a stand-in Kafka of one broker, whose journal is among those served; what\n" +
			"more of it can be told, rehearse kafka takes.",
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return u.run(c.Context(), c.OutOrStdout()) },
	}
	c.Flags().StringVar(&u.dir, "dir", "", "the `directory` of the journals")
	c.Flags().StringVar(&u.listen, "listen", "127.0.0.1:0",
		"the loopback `address` to listen on; port 0 takes a free one")
	c.Flags().StringVar(&u.kafka, "kafka", "127.0.0.1:0",
		"the loopback `address` of Kafka; port 0 takes a free one")
	c.Flags().BoolVar(&u.noKafka, "no-kafka", false, "run no Kafka")
	return c
}

// up is what rehearse up is told.
type up struct {
	dir, listen, kafka string
	noKafka            bool
}

func (u up) run(ctx context.Context, out io.Writer) (err error) {
	root, err := openDir(u.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	l, err := listenLocally(ctx, u.listen)
	if err != nil {
		return err
	}
	said := fmt.Sprintf("rehearse is up at http://%s/\njournals of %s\n", l.Addr(), root.Name())
	if !u.noKafka {
		k, failed := startUpKafka(ctx, u.kafka, root)
		if failed != nil {
			return errors.Join(failed, l.Close())
		}
		defer func() { err = errors.Join(err, k.close()) }()
		said += fmt.Sprintf("kafka at bootstrap.servers=%s, told of in %s\n", k.run.bootstrap(0), upJournal)
	}
	if _, err := io.WriteString(out, said); err != nil {
		return errors.Join(err, l.Close())
	}
	return serve(ctx, l, newSite(root))
}

// openDir opens the directory of the journals. One that was named must be
// there; the usual one is made.
func openDir(named string) (*os.Root, error) {
	dir := cmp.Or(named, os.Getenv("REHEARSE_ARTIFACTS"))
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("no directory for journals; name one with --dir: %w", err)
		}
		dir = filepath.Join(cache, "rehearse")
	}
	if named == "" {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, plainError(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, plainError(err)
	}
	return root, nil
}

// listenLocally listens on a loopback address and refuses any other: journals
// hold payloads, and nobody is asked for a password.
func listenLocally(ctx context.Context, address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("--listen: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("--listen %s: only a loopback address, such as 127.0.0.1:8080", address)
	}
	var config net.ListenConfig
	return config.Listen(ctx, "tcp", address)
}

// serve serves until ctx ends, then lets requests finish for five seconds.
func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.Shutdown(last); err != nil {
		s.Close()
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
