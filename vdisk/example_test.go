// A disk, a crash, and what is left, as the documentation shows it.

package vdisk_test

import (
	"fmt"
	"io"
	"os"

	"github.com/rehearse-go/rehearse/vdisk"
)

func Example() {
	d := vdisk.New(vdisk.Config{})
	fs := d.Mount()

	f, _ := fs.OpenFile("wal", os.O_CREATE|os.O_RDWR, 0o644)
	fs.SyncDir(".") // the name is stable now
	io.WriteString(f, "one\n")
	f.Sync() // and so is the first line
	io.WriteString(f, "two\n")
	fmt.Println(d.Crash(vdisk.Crash{Lose: true}))

	_, err := f.Write([]byte("three\n"))
	fmt.Println(err)
	f, _ = d.Mount().OpenFile("wal", os.O_RDONLY, 0)
	b, _ := io.ReadAll(f)
	fmt.Printf("%q\n", b)
	// Output:
	// [wal: 4 bytes of 8, without sectors 0]
	// write wal: the disk crashed: file already closed
	// "one\n"
}

func ExampleDisk_States() {
	d := vdisk.New(vdisk.Config{})
	fs := d.Mount()
	f, _ := fs.OpenFile("new", os.O_CREATE|os.O_RDWR, 0o644)
	io.WriteString(f, "settings")
	fs.Rename("new", "config") // without a Sync before

	for state, err := range d.States(100) {
		if err != nil {
			fmt.Println(err)
			break
		}
		for _, name := range state.Files() {
			f, _ := state.Mount().OpenFile(name, os.O_RDONLY, 0)
			b, _ := io.ReadAll(f)
			fmt.Printf("%s %q ", name, b)
		}
		fmt.Println(".")
	}
	// Output:
	// .
	// new "" .
	// new "\x00\x00\x00\x00\x00\x00\x00\x00" .
	// new "settings" .
	// config "" .
	// config "\x00\x00\x00\x00\x00\x00\x00\x00" .
	// config "settings" .
}

func ExampleDisk_Fault() {
	d := vdisk.New(vdisk.Config{})
	fs := d.Mount()
	f, _ := fs.OpenFile("wal", os.O_CREATE|os.O_RDWR, 0o644)

	fault, _ := vdisk.ParseFault("sync eio")
	end, _ := d.Fault(fault)
	fmt.Println(f.Sync())
	end()
	fmt.Println(f.Sync())
	// Output:
	// sync wal: input/output error
	// <nil>
}
