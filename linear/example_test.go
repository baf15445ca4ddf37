// Checks as a test uses them.

package linear_test

import (
	"fmt"

	"github.com/rehearse-go/rehearse/linear"
)

// A store that answers a read from a replica which has not heard of the write.
func Example() {
	var h linear.RegisterHistory
	op := h.Call("c1", linear.Write("x", "1"))
	op.Return(linear.RegisterResult{})
	op = h.Call("c2", linear.Write("x", "2"))
	op.Unknown() // a timeout
	op = h.Call("c3", linear.Read("x"))
	op.Return(linear.RegisterResult{Value: ""})

	fmt.Println(linear.Check(&h, linear.Register(), linear.Limits{}).Err())
	// Output:
	// linear: not linearizable as a register (key "x"): no order of these explains the answer marked >:
	// 	  #1 c1: write x "1" = "" [1,2]
	// 	  #2 c2: write x "2" = ? [3,-]
	// 	> #3 c3: read x = "" [4,5]
}

// Two clients may not both take the lock.
func ExampleSwap() {
	var h linear.RegisterHistory
	a, b := h.Call("a", linear.Swap("lock", "", "a")), h.Call("b", linear.Swap("lock", "", "b"))
	b.Return(linear.RegisterResult{Swapped: true})
	a.Return(linear.RegisterResult{Swapped: false})
	fmt.Println(linear.Check(&h, linear.Register(), linear.Limits{}).Verdict)
	// Output: linearizable
}
