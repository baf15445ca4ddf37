// Histories as a test uses them.

package history_test

import (
	"errors"
	"fmt"
	"os"

	"github.com/rehearse-go/rehearse/history"
)

// A log that acknowledges what it has not kept yet, and then crashes.
func Example() {
	var log history.Log
	op := log.Produce("c1", "5")
	op.Return(history.At(0))
	op = log.Produce("c1", "7")
	op.Return(history.At(1))
	op = log.Produce("c2", "9")
	op.Unknown() // a timeout

	log.Final("node 1", history.Record{Offset: 0, Value: "5"})
	fmt.Println(log.Check(history.LogConfig{}).Err())
	// Output:
	// history: the log cannot be: 1 lost
	// 	lost: offset 1: #2 c1: produce "7" = offset 1 [3,4]; is in no final log: #4 node 1: final = 0:"5" [6,7]
}

// What was asked and answered may be of any type.
func ExampleHistory() {
	type transfer struct{ From, To string }
	var h history.History[transfer, int]
	first := h.Call("alice", transfer{"a", "b"})
	second := h.Call("bob", transfer{"b", "c"})
	second.Fail(errors.New("refused"))
	first.Return(5)
	for _, op := range h.Ops() {
		fmt.Println(op)
	}
	if err := h.Save(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// #1 alice: {a b} = 5 [1,4]
	// #2 bob: {b c} failed: refused [2,3]
	// rehearse history 1
	// "alice"	1	4	ok	{"From":"a","To":"b"}	5
	// "bob"	2	3	failed	{"From":"b","To":"c"}	"refused"
}
