// The command table: medians, ratios and goals from what benchmarks printed.

// Table reads the output of go test -bench, of as many runs as there are, and
// prints the medians as Markdown tables, a table for each benchmark, with their
// ratios to the row that it begins with; then the goals and whether they are
// met. It never fails because of a number.
package main

import (
	"fmt"
	"os"
)

func main() {
	m, err := read(os.Stdin)
	if err == nil {
		err = m.print(os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
}
