// Verdicts: in words, and one over another.

package kafkatest

import (
	"fmt"
	"strings"
)

var cutNames = [...]string{"", "silence", "blackhole", "close", "reset", "half"}

// String returns the cut's name; "" of NoCut.
func (c Cut) String() string {
	if c < 0 || int(c) >= len(cutNames) {
		return fmt.Sprintf("Cut(%d)", int(c))
	}
	return cutNames[c]
}

// String returns the verdict in words, such as "delay 1s, error NOT_LEADER_OR_FOLLOWER".
func (v Verdict) String() string {
	var parts []string
	if v.Until != nil {
		parts = append(parts, "hold")
	}
	if v.Delay > 0 {
		parts = append(parts, "delay "+v.Delay.String())
	}
	if v.Throttle > 0 {
		parts = append(parts, "throttle "+v.Throttle.String())
	}
	if v.Reply != nil {
		parts = append(parts, "reply")
	}
	if v.Err != nil {
		parts = append(parts, "error "+v.Err.Message)
	}
	if v.Records != nil {
		parts = append(parts, "change the records")
	}
	if v.Frame != nil {
		parts = append(parts, "change the frame")
	}
	if v.Cut != NoCut {
		parts = append(parts, v.Cut.String())
	}
	if parts == nil {
		return "pass"
	}
	return strings.Join(parts, ", ")
}

// over returns v with what it leaves open taken from under.
func (v Verdict) over(under Verdict) Verdict {
	if v.Throttle == 0 {
		v.Throttle = under.Throttle
	}
	if v.Frame == nil {
		v.Frame = under.Frame
	}
	if v.Records == nil {
		v.Records, v.found = under.Records, under.found
	}
	if v.Cut == NoCut {
		v.Cut = under.Cut
	}
	return v
}
