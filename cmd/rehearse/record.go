// rehearse record: a proxy that records the gRPC calls that pass.

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

func recordCommand() *cobra.Command {
	var given recordConfig
	var file string
	c := &cobra.Command{
		Use:   "record",
		Short: "Record gRPC calls to a real service, as a proxy before it",
		Long: "Record the gRPC calls of programs in any language: they call this proxy, which calls the\n" +
			"real service. When it is ready, its address goes to standard output. When it is stopped, the\n" +
			"recording is written, whole; rehearse replay answers from it. Until then what happens is kept\n" +
			"in FILE.<digits>.part, which can be opened if this process is killed.\n\n" +
			"Secrets are replaced by pseudonyms before anything is written: see --redact-...\n\n" +
			"It exits with 1 when --mode verify finds that the service is not what was recorded.",
		Example: "  rehearse record --to localhost:50051 -o testdata/pay.journal\n" +
			"  rehearse record --to api.example.com:443 --tls -o api.journal --listen 127.0.0.1:50051\n" +
			"  rehearse record --to localhost:50051 -o testdata/pay.journal --mode verify",
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			var config recordConfig
			if err := layeredGRPC(file, &config, &given); err != nil {
				return err
			}
			return config.run(c.Context(), streams{c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr()})
		},
	}
	addFieldFlags(c, reflect.ValueOf(&given).Elem(), grpcDocs)
	c.Flags().StringVarP(&file, "config", "c", "", "read what flags do not say from this YAML `file`")
	return c
}

// layeredGRPC lays the flags above the file.
func layeredGRPC(file string, config, flags any) error {
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return plainError(err)
		}
		if err := decodeYAML(file, text, config); err != nil {
			return err
		}
	}
	overlay(reflect.ValueOf(config).Elem(), reflect.ValueOf(flags).Elem())
	return nil
}

// config returns what the package is told.
func (c recordConfig) config() (grpcreplay.Config, error) {
	switch {
	case c.To == "":
		return grpcreplay.Config{}, errors.New("which service? Give --to HOST:PORT")
	case c.Output == "":
		return grpcreplay.Config{}, errors.New("into which file? Give -o FILE, such as testdata/pay.journal")
	case strings.Contains(c.To, "://") && !strings.HasPrefix(c.To, "unix://") && !strings.HasPrefix(c.To, "dns://"):
		return grpcreplay.Config{}, fmt.Errorf("--to %s: want HOST:PORT, without https://; --tls says how it is called",
			c.To)
	}
	if _, _, err := net.SplitHostPort(c.To); err != nil && !strings.ContainsAny(c.To, "/:") {
		return grpcreplay.Config{}, fmt.Errorf("--to %s: want HOST:PORT", c.To)
	}
	if info, err := os.Stat(c.Output); err == nil && info.IsDir() {
		return grpcreplay.Config{}, fmt.Errorf("-o %s: it is a directory; name a file in it", c.Output)
	}
	secure, err := c.TLS.config()
	if err != nil {
		return grpcreplay.Config{}, err
	}
	var initial []byte
	if c.Initial != "" {
		if initial, err = os.ReadFile(c.Initial); err != nil {
			return grpcreplay.Config{}, fmt.Errorf("--initial %w", plainError(err))
		}
	}
	return grpcreplay.Config{
		File: c.Output, Format: c.Form.format(), Mode: c.mode(), Target: c.To, TLS: secure,
		Initial: initial, Redact: c.Redact.config(), AllowUnused: true,
	}, nil
}

func (c recordConfig) mode() grpcreplay.Mode {
	if c.Mode == "" {
		return grpcreplay.ModeAll
	}
	return grpcreplay.Mode(c.Mode)
}

// run records until ctx ends.
func (c recordConfig) run(ctx context.Context, s streams) error {
	config, err := c.config()
	if err != nil {
		return err
	}
	r := newGRPCRun(c.grpcServing, s.err)
	defer r.close()
	if err := r.common(ctx, &config); err != nil {
		return err
	}
	if err := r.start(config); err != nil {
		return err
	}
	if err := c.look(ctx, r, config); err != nil {
		return errors.Join(err, r.service.Discard())
	}
	if err := r.greet(s.out, c.what(r.service.Mode())); err != nil {
		return errors.Join(err, r.service.Discard())
	}
	<-ctx.Done()
	return c.finish(r)
}

// look looks at the real service, if it is to be asked. One that is not there
// yet may come.
func (c recordConfig) look(ctx context.Context, r *grpcRun, config grpcreplay.Config) error {
	if r.service.Mode() == grpcreplay.ModeNone {
		return nil
	}
	err := probe(ctx, c.To, config.TLS)
	if later := (notThere{}); errors.As(err, &later) {
		r.talk.Printf("note: %v", err)
		return nil
	}
	return err
}

// what says what is being done.
func (c recordConfig) what(m grpcreplay.Mode) string {
	switch m {
	case grpcreplay.ModeNone:
		return fmt.Sprintf("answering from %s; %s is not asked", c.Output, c.To)
	case grpcreplay.ModeSpy:
		return fmt.Sprintf("answering from %s, else from %s; nothing is recorded", c.Output, c.To)
	case grpcreplay.ModeVerify:
		return fmt.Sprintf("comparing %s with %s", c.To, c.Output)
	case grpcreplay.ModeNew:
		return fmt.Sprintf("answering from %s, and adding what is new from %s", c.Output, c.To)
	}
	return fmt.Sprintf("recording %s into %s", c.To, c.Output)
}

// finish ends the service and tells what was recorded. Where nothing was
// called, an old recording is not replaced by an empty one.
func (c recordConfig) finish(r *grpcRun) error {
	made, mode := r.service.Made(), r.service.Mode()
	_, absent := os.Stat(c.Output)
	if mode == grpcreplay.ModeAll && made == 0 && !errors.Is(absent, fs.ErrNotExist) {
		r.talk.Printf("nothing was called: %s is left as it was", c.Output)
		return r.end(r.service.Discard)
	}
	if err := r.end(r.service.Close); err != nil {
		return err
	}
	switch {
	case mode == grpcreplay.ModeVerify:
		r.talk.Printf("%s answered %s as recorded in %s", c.To, counted(made, "call"), c.Output)
	case mode == grpcreplay.ModeNone || mode == grpcreplay.ModeSpy:
		r.talk.Printf("answered %s; %s is left as it was", counted(made, "call"), c.Output)
	case mode == grpcreplay.ModeNew:
		r.talk.Printf("added what was new: %s has %s", c.Output, counted(r.service.Recording().Len(), "call"))
	default:
		r.talk.Printf("recorded %s into %s", counted(r.service.Recording().Len(), "call"), c.Output)
	}
	if mode == grpcreplay.ModeAll || mode == grpcreplay.ModeNew {
		r.strangers()
	}
	return nil
}

// strangers tells of which methods the types were not known: nobody would
// look for the password in their bytes.
func (r *grpcRun) strangers() {
	methods := map[string]bool{}
	for call := range r.service.Recording().Calls() {
		if !call.Described() {
			methods[strings.TrimPrefix(call.Method, "/")] = true
		}
	}
	for _, m := range slices.Sorted(maps.Keys(methods)) {
		r.talk.Printf("note: the types of %s are not known: its messages are recorded as bytes, and secrets in them "+
			"that only a field's name tells are not replaced; give --descriptors or --proto", m)
	}
}
