// The command table: subjects side by side, from what the benchmarks printed.

// Table reads the output of this module's benchmarks, of as many rounds as
// there are, and prints a Markdown table for each benchmark and GOMAXPROCS: a
// line for each row, a column for each subject, medians of the rates, with how
// long the half and 99 of a hundred calls took. It never fails because of a number.
package main

import (
	"fmt"
	"os"
)

func main() {
	m, err := read(os.Stdin)
	if err == nil {
		_, err = os.Stdout.WriteString(m.print())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
}
