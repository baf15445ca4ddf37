// Makes the samples of others' recordings.

// Command samples records the sample program with the originals:
//
//	samples make DIR
//
// writes rpcreplay.replay, grpcreplay.replay, grpcreplay.txt, and the binary
// log of both sides to binarylog.bin; this asks for GRPC_BINARY_LOG_FILTER='*'
// in its environment. With '*{h:8;m:6}' it is a log that cuts headers and
// messages, binarylog-cut.bin.
//
//	samples serve ADDR
//	samples run ADDR
//
// are the service and the program apart, for what records between them, such
// as grpc-dump --port P --destination ADDR, whose output is grpcdump.json.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/rehearse-go/rehearse/interop/rpcreplay/sample"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "samples:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("make DIR, serve ADDR or run ADDR")
	}
	switch args[0] {
	case "make":
		return makeAll(args[1])
	case "serve":
		return sample.ServeOn(args[1])
	case "run":
		conn, err := sample.Dial(args[1])
		if err != nil {
			return err
		}
		fmt.Print(sample.Run(context.Background(), conn))
		return conn.Close()
	}
	return fmt.Errorf("nothing is called %q", args[0])
}
