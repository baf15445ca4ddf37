// How a nemesis is drawn, named, and walked through.

package faults_test

import (
	"fmt"
	"time"

	"github.com/rehearse-go/rehearse/clustertest/internal/faults"
)

func Example() {
	list := faults.Draw(faults.Plan{
		Seed: 7, Nodes: []string{"n0", "n1", "n2"}, Within: 6 * time.Second, Majority: true,
		Kinds: faults.Menu("crash", "split", "mute"),
	})
	fmt.Println(faults.ToName(list))
	for _, m := range faults.Timeline(list) {
		fmt.Println(m.At, m.End, list[m.Index].What)
	}
	// Output:
	// 370ms+120ms_cut_n2_n0,n1;1.01s+900ms_crash_n2;4.26s+760ms_cut_n2_n0,n1
	// 370ms false cut n2 n0,n1
	// 490ms true cut n2 n0,n1
	// 1.01s false crash n2
	// 1.91s true crash n2
	// 4.26s false cut n2 n0,n1
	// 5.02s true cut n2 n0,n1
}

func ExampleConflicts() {
	list, _ := faults.ParseList("1s+5s crash n1; 3s+1s pause n1")
	fmt.Println(faults.Conflicts(list, []string{"n0", "n1", "n2"}))
	// Output: faults: fault 1, "3s+1s pause n1": n1 is not there for it: fault 0, "1s+5s crash n1", is in force
}

func ExampleSimpler() {
	f, _ := faults.Parse("2.1s+5s part n0,n1 n2")
	for _, simpler := range faults.Simpler(f) {
		fmt.Println(simpler)
	}
	// Output:
	// 2.1s+2.5s part n0,n1 n2
	// 2.1s+5s part n1 n2
	// 2.1s+5s part n0 n2
}
