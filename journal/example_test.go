// The journal in ten lines.

package journal_test

import (
	"fmt"
	"os"
	"time"

	"github.com/rehearse-go/rehearse/journal"
)

func Example() {
	var j journal.Journal
	j.SetHeader(journal.Header{Seed: 42})
	sent := j.Append(journal.Event{At: 5 * time.Millisecond, Kind: "net.send", Where: "app", Body: []byte("hello\n")})
	j.Append(journal.Event{At: 9 * time.Millisecond, Kind: "net.deliver", Where: "api", Cause: sent, Size: 6})

	if err := journal.Write(os.Stdout, j.Header(), j.Events(0)); err != nil {
		fmt.Println(err)
	}
	// Output:
	// rehearse journal 1
	// seed 42
	//
	// 1 0 5ms net.send app - - - 6 "hello\n"
	// 2 0 9ms net.deliver api - - 1 6 -
}

func ExampleDiff() {
	var want, got journal.Journal
	want.Append(journal.Event{At: time.Second, Kind: "net.send", Where: "app", Body: []byte("hello")})
	got.Append(journal.Event{At: time.Second, Kind: "net.send", Where: "app", Body: []byte("help")})
	fmt.Print(journal.Diff(want.Events(0), got.Events(0)))
	// Output:
	// first difference: event 1, size: want 5, got 4; body from byte 3: want "lo", got "p"
	//
	// -     1         1s  net.send     app                                     5 B  "hello"
	// +     1         1s  net.send     app                                     4 B  "help"
}
