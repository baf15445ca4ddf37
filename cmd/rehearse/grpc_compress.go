// Compression that gRPC's other implementations speak, and Go's does not by itself.

package main

import (
	"compress/zlib"
	"io"

	"google.golang.org/grpc/encoding"
)

func init() { encoding.RegisterCompressor(deflate{}) }

// A deflate is the compression of that name in gRPC's doc/compression.md,
// which is zlib's form (RFC 9110, section 8.4.1.2). Programs in C++, Python,
// Ruby and others may choose it, and their servers take it.
type deflate struct{}

func (deflate) Name() string { return "deflate" }

func (deflate) Compress(w io.Writer) (io.WriteCloser, error) { return zlib.NewWriter(w), nil }

func (deflate) Decompress(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) }
