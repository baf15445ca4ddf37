// A page of two events, as the documentation shows it.

package traceview_test

import (
	"fmt"
	"strings"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/traceview"
)

func Example() {
	var j journal.Journal
	sent := j.Append(journal.Event{Kind: "net.send", Where: "app", Peer: "api", Body: []byte("hello")})
	j.Append(journal.Event{Kind: "net.deliver", Where: "api", Peer: "app", Cause: sent, Size: 5})

	var page strings.Builder // as a rule, a file
	if err := traceview.Write(&page, j.Header(), j.Events(0)); err != nil {
		fmt.Println(err)
	}
	fmt.Println(strings.Contains(page.String(), "Content-Security-Policy"))
	// Output: true
}
