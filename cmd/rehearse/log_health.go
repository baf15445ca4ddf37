// rehearse log health: whether a node can serve, for whoever starts it.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func logHealthCommand() *cobra.Command {
	var address string
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "health",
		Short: "Ask a node whether it is ready",
		Long: "Ask a node's --health-addr whether it is ready: it knows who leads, and its disk has not failed.\n" +
			"Exits with 0 if it is, 1 if not or if nobody answers, 2 if the command line is bad.",
		Example: "  rehearse log health --health-addr 127.0.0.1:8402",
		Args:    noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if address == "" {
				address = os.Getenv(logVariable("health-addr"))
			}
			if address == "" {
				return errors.New("which node? Give --health-addr HOST:PORT, as rehearse log serve was given it")
			}
			if _, _, err := net.SplitHostPort(address); err != nil {
				return fmt.Errorf("--health-addr %s: want HOST:PORT, such as 127.0.0.1:8402", address)
			}
			if timeout <= 0 {
				return fmt.Errorf("--timeout %v: want more than 0", timeout)
			}
			ctx, cancel := context.WithTimeout(c.Context(), timeout)
			defer cancel()
			if err := askHealth(ctx, address); err != nil {
				return failed(c.ErrOrStderr(), err)
			}
			_, err := fmt.Fprintln(c.OutOrStdout(), "ok")
			return err
		},
	}
	c.Flags().StringVar(&address, "health-addr", "", "the node's `address` for probes")
	c.Flags().DurationVar(&timeout, "timeout", 3*time.Second, "how long it may take")
	return c
}

// askHealth returns why a node is not ready.
func askHealth(ctx context.Context, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+reachable(address)+"/readyz", nil)
	if err != nil {
		return err
	}
	transport := &http.Transport{DisableKeepAlives: true} // and no proxy: it is this machine, or near
	answer, err := transport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("%s does not answer: %w", address, err)
	}
	defer answer.Body.Close()
	why, err := io.ReadAll(io.LimitReader(answer.Body, 4<<10))
	switch {
	case err != nil:
		return fmt.Errorf("%s does not answer to the end: %w", address, err)
	case answer.StatusCode == http.StatusOK && strings.TrimSpace(string(why)) == "ok":
		return nil
	case answer.StatusCode == http.StatusServiceUnavailable:
		return fmt.Errorf("%s is not ready: %s", address, nodeWords.Replace(strings.TrimSpace(string(why))))
	}
	return fmt.Errorf("%s answers %s, as no node's --health-addr does", address, answer.Status)
}
