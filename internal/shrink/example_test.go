// Shrinking, as the documentation shows it.

package shrink_test

import (
	"fmt"
	"strings"

	"github.com/rehearse-go/rehearse/internal/shrink"
)

func ExampleList() {
	words := strings.Fields("a journal that tells what happened and a rule that decides what happens")
	fewest, tried := shrink.List(words, 100, func(some []string) bool {
		s := strings.Join(some, " ")
		return strings.Contains(s, "journal") && strings.Contains(s, "rule")
	})
	fmt.Println(fewest, tried)
	// Output: [journal rule] 15
}

func ExampleValues() {
	simpler := func(n int) []int {
		if n == 0 {
			return nil
		}
		return []int{n / 2, n - 1}
	}
	simplest, _ := shrink.Values([]int{70, 5}, 100, simpler, func(list []int) bool {
		return list[0] > 20
	})
	fmt.Println(simplest)
	// Output: [21 0]
}
