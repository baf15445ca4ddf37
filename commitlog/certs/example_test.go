// An authority and what it signs, in ten lines.

package certs_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/rehearse-go/rehearse/commitlog/certs"
)

func Example() {
	dir, err := os.MkdirTemp("", "certs")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ca, err := certs.NewAuthority(certs.Config{})
	if err != nil {
		panic(err)
	}
	if err := ca.WriteDir(dir, []string{"n0,127.0.0.1", "n1"}, []string{"root"}); err != nil {
		panic(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		panic(err)
	}
	for _, f := range files {
		fmt.Println(filepath.Base(f.Name()))
	}
	// Output:
	// ca-key.pem
	// ca.pem
	// n0-key.pem
	// n0.pem
	// n1-key.pem
	// n1.pem
	// root-key.pem
	// root.pem
}
