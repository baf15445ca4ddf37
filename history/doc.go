// What the package is for, and a use of it.

// Package history keeps what clients asked of a system and what they were
// answered, and says whether that can be.
//
// A [History] holds operations. Each is called, and then it returns, fails, or
// stays unknown: a call that timed out may have happened, and may still happen
// later. Times are positions in one order and never a clock's, so that what
// came before what is exact.
//
// A [Log] is the history of one replicated log. Because producing a record
// returns its offset, the order of the log is known, and [Log.Check] needs no
// search: it takes time in proportion to n log n, for a million operations a
// few seconds, and tells everything that is wrong. Other histories are judged
// by the package linear, which searches.
//
//	var log history.Log
//	op := log.Produce("c1", "pay 5")
//	switch offset, err := client.Append("pay 5"); {
//	case err == nil:
//		op.Return(history.At(offset))
//	case errors.Is(err, ErrRefused): // it did not happen
//		op.Fail(err)
//	default: // it may have
//		op.Unknown()
//	}
//	log.Final("node 1", contents...)
//	if err := log.Check(history.LogConfig{}).Err(); err != nil {
//		t.Error(err)
//	}
//
// # The text form
//
// [History.Save] writes, and [History.Load] reads, one operation a line in the
// order of the calls, so that a history that failed can be kept and checked
// again. Its fields are separated by tabs: the client, the position of the
// call and of the return, how it ended, what was asked, and the answer or the
// error. What is not text or a number is JSON; what is not there is a dash.
//
//	rehearse history 1
//	"c1"	1	4	ok	{"kind":"produce","value":"pay 5"}	{"offset":1}
//	"c2"	2	3	failed	{"kind":"produce","value":"pay 7"}	"refused"
//	"c1"	5	-	unknown	{"kind":"produce","value":"pay 9"}	-
package history
