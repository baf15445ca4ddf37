// What the package is for.

// Package kafkatest is a stand-in for a Kafka cluster: programmable to the
// byte, and stateful enough that unmodified clients take it for a real one. It
// runs in the test's process, on real sockets or on a virtual network, and
// starts in less than a millisecond.
//
//	func TestOrdersAreSentAgain(t *testing.T) {
//		c := kafkatest.Start(t, kafkatest.Config{Topics: map[string]int{"orders": 1}})
//		c.Fail(kmsg.Produce, kafkatest.Topic("orders").First(), kerr.NotLeaderForPartition)
//
//		app := newApp(c.Addrs()) // any client, of any language
//		app.Send("orders", "book")
//
//		if err := c.Partition("orders", 0).AwaitRecords(t.Context(), 1); err != nil {
//			t.Error(err)
//		}
//	}
//
// # Rules
//
// A rule sees an exchange and decides what becomes of it, or passes. Rules
// added by Before are asked before the cluster acts, and may answer in its
// place; those added by After see the answer, and may change it, or keep it
// from the client although everything was done. Conditions such as On, Topic,
// OfGroup and Client choose exchanges and are joined by the methods of
// rule.When: And, Or, Not, Nth, Every, Chance. A condition on a topic, a
// partition, a group or a transactional id also says where an error goes: the
// rest of the request is served. ParseRule reads the same from a line of text.
//
// # Scripts
//
// Handle, Reply, ReplyNext and ReplyWhen tell a broker what to answer, on a
// cluster with state as well as on one that is Scripted, which answers nothing
// but what it was told. What nobody expected, and what was expected and never
// came, fails the test that called Start; programs ask for Problems.
//
// # Without a client
//
// Partition, Group, Topics, Transactions and History show what is there;
// Append, Lead, FallBehind, Assign, MoveCoordinator, Broker.Stop, Kill and Restart
// change it. What begins with Await waits for an event, and looks at nothing
// again and again; if the context ends first, the error is its own, and says
// what was awaited and how things were instead.
//
// # Time and chance
//
// In a testing/synctest bubble, on a network such as package vnet's, minutes
// of timeouts take no time. Every id, every leader and every chance comes from
// Config.Seed: with the same requests in the same order a cluster answers the
// same bytes.
package kafkatest
