// The command genproto: Go made of Protocol Buffers, without protoc.

// Genproto makes the Go code of .proto files, beside them.
//
//	genproto [-root directory] file.proto...
//
// Files are named from the root, with slashes, as they import one another. The
// compiler is protocompile; the code comes from protoc-gen-go and
// protoc-gen-go-grpc in the versions of this module's go.mod, as go tool runs
// them. So it must run in the module's directory.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	root := flag.String("root", "..", "the `directory` that files are named from")
	flag.Parse()
	if err := run(*root, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "genproto:", err)
		os.Exit(1)
	}
}

// run writes what is made of the named files beneath root.
func run(root string, names []string) error {
	dir, err := os.OpenRoot(root)
	if err != nil {
		return err
	}
	defer dir.Close()
	files, err := generate(root, names)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := dir.WriteFile(f.GetName(), []byte(f.GetContent()), 0o644); err != nil {
			return err
		}
	}
	return nil
}
