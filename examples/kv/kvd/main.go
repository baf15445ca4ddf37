// The server as a process of its own.

// Command kvd serves one key-value server from a directory.
package main

import (
	"context"
	"flag"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/rehearse-go/rehearse/examples/kv"
	"github.com/rehearse-go/rehearse/vdisk"
)

var (
	dir    = flag.String("dir", ".", "where the log is kept")
	listen = flag.String("listen", "127.0.0.1:7000", "where to listen")
	fd     = flag.Uint("fd", 0, "a listener that was inherited, by its number, instead of -listen")
)

func main() {
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := kv.New(kv.Config{FS: vdisk.OS(*dir), Listen: open})
	if err == nil {
		err = s.Run(ctx)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// open listens where the flags say, whatever the server's usual port.
func open(ctx context.Context, network, _ string) (net.Listener, error) {
	if *fd > 0 {
		return net.FileListener(os.NewFile(uintptr(*fd), "listener"))
	}
	return new(net.ListenConfig).Listen(ctx, network, *listen)
}
