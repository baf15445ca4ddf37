// What the package is for.

// Package traceview makes a page of a journal: one HTML file that shows every
// host as a lane, every segment as an arrow and every fault as a band, with
// payloads and causes. The file needs no server and no network, and may be
// sent to a colleague. Its content policy lets nothing run but its own
// script, and it inserts whatever the journal says as text.
//
// The data and the drawing are apart: this package's Go side writes the
// events as compressed JSON, and the files under page/ draw them. Adding a
// kind of event is a line in page/looks.js; kinds without one are dots.
//
// # How events are read
//
//   - An event whose Cause names its host as the peer came from there: an
//     arrow. Causes that send are net.send, net.dial, net.fin, net.rst and
//     net.packet.
//   - A net.drop whose Cause is one of these is an arrow that ends on the way.
//   - A kind that begins with "fault." begins a band over the lanes of its
//     hosts, or over all lanes if it names none. It ends with the event
//     fault.end whose Cause it is, or with the run. Where and Peer may be
//     several hosts joined by commas, an address, or a connection. Momentary
//     faults (page/looks.js lists them) and those that have a Cause are marks,
//     unless a fault.end ends them.
//   - A kafka.request is an arrow within its row from its Peer, who asked, to
//     Where, which answers with a kafka.response back; their Subject names the
//     API. A kafka.rule or kafka.bad is a problem, told with its notes.
//   - Any other event is a dot on the lane of Where.
package traceview
