// Parked requests and the order of their answers.

package call_test

import (
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestAnswersComeInTheOrderOfParking(t *testing.T) {
	agenda := call.NewAgenda(time.UnixMilli(0))
	var parked []*call.Parked
	for range 5 {
		c := call.Call{Agenda: agenda}
		parked = append(parked, c.Park())
	}
	for _, i := range []int{3, 0, 4, 1, 2} {
		parked[i].Answer(kmsg.NewPtrHeartbeatResponse())
	}
	for i, p := range agenda.TakeAnswered() {
		if p != parked[i] {
			t.Errorf("answer %d is another's", i)
		}
	}
	if left := agenda.TakeAnswered(); left != nil {
		t.Errorf("%d answers come again", len(left))
	}
}
