// Notes that wait too long: of each member only the last is kept.

package gossip

import (
	"fmt"
	"testing"
)

func TestOfManyNotesTheLastOfEachMemberIsKept(t *testing.T) {
	const many = 5*far + 10
	n := newNotes()
	var told []string
	for i := range many {
		name := fmt.Sprint("n", i%3)
		n.add(name, func(Handler) { told = append(told, fmt.Sprint(name, " ", i)) })
		if len(n.wait) > far {
			t.Fatalf("%d notes wait", len(n.wait))
		}
	}
	for _, note := range n.take() {
		note.tell(nil)
	}
	for i := range 3 { // the last of all come last, in order
		last := many - 3 + i
		if want := fmt.Sprint("n", last%3, " ", last); told[len(told)-3+i] != want {
			t.Errorf("told %q, want %q", told[len(told)-3+i], want)
		}
	}
}
