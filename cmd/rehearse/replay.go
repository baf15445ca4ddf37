// rehearse replay: a server that answers from a recording.

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

func replayCommand() *cobra.Command {
	var given replayConfig
	var file string
	c := &cobra.Command{
		Use:   "replay FILE",
		Short: "Answer gRPC calls from a recording",
		Long: "Answer the gRPC calls of programs in any language from a recording, of any form that\n" +
			"rehearse trace show reads; - reads standard input. The real service is never asked. When it\n" +
			"is ready, its address goes to standard output. It offers server reflection, and health unless\n" +
			"that is recorded.\n\n" +
			"Each recorded call answers one call. A call that nothing fits gets the status\n" +
			"FAILED_PRECONDITION, which names the nearest recorded calls and what differs; that is told on\n" +
			"standard error, too, as it happens.\n\n" +
			"It runs until it is stopped (Ctrl-C, SIGTERM). Its exit code is the verdict: 1 when a call had\n" +
			"no answer, or recorded calls were not made and --allow-unused is not given; else 0.",
		Example: "  rehearse replay testdata/pay.journal --listen 127.0.0.1:50051\n" +
			"  rehearse replay testdata/pay.journal --rule '/pay.v1.Pay/Get nth=2: error UNAVAILABLE'",
		Args: asUsed,
		RunE: func(c *cobra.Command, args []string) error {
			var config replayConfig
			if err := layeredGRPC(file, &config, &given); err != nil {
				return err
			}
			return config.run(c.Context(), args[0], streams{c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr()})
		},
	}
	addFieldFlags(c, reflect.ValueOf(&given).Elem(), grpcDocs)
	c.Flags().StringVarP(&file, "config", "c", "", "read what flags do not say from this YAML `file`")
	return c
}

// run replays until ctx ends.
func (c replayConfig) run(ctx context.Context, file string, s streams) error {
	r := newGRPCRun(c.grpcServing, s.err)
	defer r.close()
	config := grpcreplay.Config{
		File: file, Mode: grpcreplay.ModeNone, Pace: c.Pace.number(), Grace: c.Grace.duration(),
		Strict: isTrue(c.Strict), AllowUnused: isTrue(c.AllowUnused),
	}
	if err := r.common(ctx, &config); err != nil {
		return err
	}
	var err error
	if config.Recording, err = openRecording(config, s); err != nil {
		return err
	}
	if err := r.start(config); err != nil {
		return err
	}
	what := fmt.Sprintf("answering from %s: %s", file, counted(config.Recording.Len(), "call"))
	if err := r.greet(s.out, what); err != nil {
		return errors.Join(err, r.service.Discard())
	}
	<-ctx.Done()
	made := r.service.Made()
	err = r.end(r.service.Close)
	r.talk.Printf("answered %s from %s", counted(made, "call"), file)
	return err
}

// openRecording opens the recording in the Config's file, or in standard
// input.
func openRecording(c grpcreplay.Config, s streams) (*grpcreplay.Recording, error) {
	if c.File == "-" {
		c.File = "standard input"
		rec, err := c.Read(s.in)
		return rec, told(err)
	}
	rec, err := c.Open()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &fileError{missingRecording(err, c.File), err}
	}
	return rec, told(err)
}

// missingRecording says that there is no such file, and what makes one: unless
// a recorder that was killed left something, which err tells.
func missingRecording(err error, file string) string {
	text := strings.TrimPrefix(inFlags(err.Error()), "open ")
	if strings.HasSuffix(text, fs.ErrNotExist.Error()) || strings.HasSuffix(text, syscall.ENOENT.Error()) {
		text += "; rehearse record --to HOST:PORT -o " + file + " records one"
	}
	return text
}
