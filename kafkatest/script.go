// Scripts: what a test tells a broker to answer.

package kafkatest

import "github.com/twmb/franz-go/pkg/kmsg"

// A script is what one broker was told.
type script struct{}

// answer returns what the script has for an exchange; false if it has nothing
// to say. A nil answer that was told is silence.
func (s *script) answer(Exchange) (r kmsg.Response, told bool) { return nil, false }

// unexpected answers a request that nobody told a scripted broker about.
func (b *Broker) unexpected(e Exchange) kmsg.Response { return nil }

func (b *Broker) remember(Exchange) {}
