// What the package is for.

// Package gateway is the log as JSON over HTTP, small, for curl and for what
// has no gRPC:
//
//	POST /   {"record":{"value":"aGVsbG8="}}  ->  {"offset":0}
//	GET  /   {"offset":0}                     ->  {"record":{"value":"aGVsbG8=","offset":0}}
//
// GET takes the offset as a query too, "/?offset=0", since not every client
// sends a body with it. Keys and values are base64. A record may have
// "key" and "headers", [{"name":"n","value":"aGVsbG8="}].
//
// What goes wrong is told as
//
//	{"error":{"code":"OFFSET_OUT_OF_RANGE","message":"...","details":{"offset":"7","low":"0","next":"5"}}}
//
// with the reasons of package status, or gRPC's name of the code where there is
// no reason, and with a status of HTTP: 400 for what makes no sense, 401, 403,
// 404 for an offset that is not in the log, 405, 409 for a batch out of turn,
// 413 for what is too large, 503 for what may be tried again, elsewhere, 504 at
// a deadline, 507 for a full disk, and 500 for all else, the uncertain outcome
// of a batch included.
package gateway
