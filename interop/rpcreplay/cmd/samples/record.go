// Recording the program with each of the originals.

package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/rpcreplay"
	"github.com/google/go-replayers/grpcreplay"
	"google.golang.org/grpc"
	"google.golang.org/grpc/binarylog"
	pb "google.golang.org/grpc/binarylog/grpc_binarylog_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/rehearse-go/rehearse/interop/rpcreplay/sample"
)

const initial = "initial \x00"

// makeAll makes the samples in dir.
func makeAll(dir string) error {
	filter := os.Getenv("GRPC_BINARY_LOG_FILTER")
	if filter == "" {
		return fmt.Errorf("set GRPC_BINARY_LOG_FILTER to '*' or '*{h:8;m:6}'")
	}
	if err := byOriginals(dir); err != nil {
		return err
	}
	name := "binarylog.bin"
	if strings.Contains(filter, "{") {
		name = "binarylog-cut.bin"
	}
	return logged(filepath.Join(dir, name))
}

// A recorder is what the originals' have in common.
type recorder interface {
	DialOptions() []grpc.DialOption
	Close() error
}

func byOriginals(dir string) error {
	rpc, err := rpcreplay.NewRecorder(filepath.Join(dir, "rpcreplay.replay"), []byte(initial))
	if err != nil {
		return err
	}
	plain, err := grpcreplay.NewRecorder(filepath.Join(dir, "grpcreplay.replay"),
		&grpcreplay.RecorderOptions{Initial: []byte(initial)})
	if err != nil {
		return err
	}
	text, err := grpcreplay.NewRecorder(filepath.Join(dir, "grpcreplay.txt"),
		&grpcreplay.RecorderOptions{Initial: []byte(initial), Text: true})
	if err != nil {
		return err
	}
	for _, rec := range []recorder{rpc, plain, text} {
		if err := with(func(conn *grpc.ClientConn) { sample.Run(context.Background(), conn) },
			rec.DialOptions()...); err != nil {
			return err
		}
		if err := rec.Close(); err != nil {
			return err
		}
	}
	return nil
}

// with does something with a connection to a new service.
func with(do func(*grpc.ClientConn), opts ...grpc.DialOption) error {
	addr, stop, err := sample.Serve()
	if err != nil {
		return err
	}
	defer stop()
	conn, err := sample.Dial(addr, opts...)
	if err != nil {
		return err
	}
	do(conn)
	return conn.Close()
}

// logged makes a binary log of the program, of a call that runs out of time
// and of one that the service does not know.
func logged(file string) error {
	k := &sink{}
	binarylog.SetSink(k)
	err := with(func(conn *grpc.ClientConn) {
		sample.Run(context.Background(), conn)
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		conn.Invoke(ctx, sample.Get, wrapperspb.String("slow"), new(structpb.Struct))
		conn.Invoke(context.Background(), sample.None, wrapperspb.String("none"), new(structpb.Struct))
	})
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return os.WriteFile(file, k.buf.Bytes(), 0o644)
}

// A sink keeps a binary log in the form of gRPC's own.
type sink struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (k *sink) Write(e *pb.GrpcLogEntry) error {
	b, err := proto.Marshal(e)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.buf.Write(binary.BigEndian.AppendUint32(nil, uint32(len(b))))
	k.buf.Write(b)
	return nil
}

func (k *sink) Close() error { return nil }
