// Keys, transactions, leases, locks, watches and errors, as etcd's client has them.

package etcd_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"

	"github.com/rehearse-go/rehearse/interop/grpc/services/stage"
)

func TestKeysAreTheSame(t *testing.T) {
	stage.Play(t, start, func(a *stage.Act) {
		c := client(a)
		defer c.Close()
		for i := range 3 {
			put, err := c.Put(a.Context(), fmt.Sprint("k", i), "v", clientv3.WithPrevKV())
			a.See("program", "put %v %v", put, err)
		}
		backwards := clientv3.WithSort(clientv3.SortByKey, clientv3.SortDescend)
		get, err := c.Get(a.Context(), "k", clientv3.WithPrefix(), backwards)
		a.See("program", "get %v %v", get, err)
		get, err = c.Get(a.Context(), "nothing")
		a.See("program", "get %v %v", get, err)
		txn, err := c.Txn(a.Context()).If(clientv3.Compare(clientv3.Value("k1"), "=", "v")).
			Then(clientv3.OpPut("k1", "w"), clientv3.OpGet("k1")).Else(clientv3.OpGet("k2")).Commit()
		a.See("program", "txn %v %v", txn, err)
		txn, err = c.Txn(a.Context()).If(clientv3.Compare(clientv3.Value("k1"), "=", "v")).
			Then(clientv3.OpPut("k1", "w")).Else(clientv3.OpGet("k2")).Commit()
		a.See("program", "txn %v %v", txn, err)
		deleted, err := c.Delete(a.Context(), "k", clientv3.WithPrefix(), clientv3.WithPrevKV())
		a.See("program", "delete %v %v", deleted, err)
		list, err := c.MemberList(a.Context())
		a.See("program", "members %v %v", list, err)
	})
}

func TestThePollOfAKeySeesEveryVersion(t *testing.T) {
	stage.Play(t, start, func(a *stage.Act) {
		c := client(a)
		defer c.Close()
		for i := range 20 {
			c.Put(a.Context(), "counter", fmt.Sprint(i))
			get, err := c.Get(a.Context(), "counter")
			a.See("program", "get %v %v", get, err)
		}
	})
}

func TestManyClientsAtOnceGetTheirOwnAnswers(t *testing.T) {
	stage.Play(t, start, func(a *stage.Act) {
		c := client(a)
		defer c.Close()
		var group sync.WaitGroup
		for i := range 8 {
			who := fmt.Sprint("worker ", i)
			group.Go(func() {
				for range 10 {
					put, err := c.Put(a.Context(), who, "v", clientv3.WithPrevKV())
					a.See(who, "put after %v %v", put.PrevKv, err)
					get, err := c.Get(a.Context(), who)
					a.See(who, "get %v %v", get.Kvs, err)
				}
			})
		}
		group.Wait()
	})
}

func TestErrorsAreTheSame(t *testing.T) {
	stage.Play(t, start, func(a *stage.Act) {
		c := client(a)
		defer c.Close()
		_, err := c.Get(a.Context(), "k", clientv3.WithRev(1000))
		a.See("program", "future revision: %T %v", err, err)
		_, err = c.Put(a.Context(), "k", "v", clientv3.WithLease(4711))
		a.See("program", "no such lease: %T %v", err, err)
		_, err = c.Revoke(a.Context(), 4711)
		a.See("program", "no such lease: %T %v", err, err)
		_, err = c.Put(a.Context(), "", "v")
		a.See("program", "no key: %T %v", err, err)
		c.Put(a.Context(), "k", "v")
		c.Put(a.Context(), "k", "w")
		get, err := c.Get(a.Context(), "k")
		a.See("program", "get %v %v", get, err)
		compacted, err := c.Compact(a.Context(), get.Header.GetRevision())
		a.See("program", "compact %v %v", compacted, err)
		_, err = c.Get(a.Context(), "k", clientv3.WithRev(2))
		a.See("program", "compacted: %T %v", err, err)
		_, err = c.UserGet(a.Context(), "alice")
		a.See("program", "no such user: %T %v", err, err)
		for r := range c.Watch(a.Context(), "k", clientv3.WithRev(1)) {
			a.See("program", "watch of what is compacted: %v %v %v", r.CompactRevision, r.Canceled, r.Err())
		}
	})
}

func TestLeasesAreTheSame(t *testing.T) {
	stage.Play(t, start, func(a *stage.Act) {
		c := client(a)
		defer c.Close()
		lease, err := c.Grant(a.Context(), 60)
		a.See("program", "grant %v %v", lease, err)
		put, err := c.Put(a.Context(), "mine", "v", clientv3.WithLease(lease.ID))
		a.See("program", "put %v %v", put, err)
		once, err := c.KeepAliveOnce(a.Context(), lease.ID)
		a.See("program", "keep alive once %v %v", once, err)
		ctx, cancel := context.WithCancel(a.Context())
		alive, err := c.KeepAlive(ctx, lease.ID)
		a.See("program", "keep alive %v %v", <-alive, err)
		cancel()
		left, err := c.TimeToLive(a.Context(), lease.ID, clientv3.WithAttachedKeys())
		a.See("program", "time to live %v %v", left, err)
		leases, err := c.Leases(a.Context())
		a.See("program", "leases %v %v", leases, err)
		revoked, err := c.Revoke(a.Context(), lease.ID)
		a.See("program", "revoke %v %v", revoked, err)
		get, err := c.Get(a.Context(), "mine")
		a.See("program", "get %v %v", get, err)
	})
}

func TestALockIsHandedOn(t *testing.T) {
	stage.Play(t, start, func(a *stage.Act) {
		first, second := client(a), client(a)
		defer first.Close()
		defer second.Close()
		one, two := session(a, first), session(a, second)
		a.See("program", "leases %v %v", one.Lease(), two.Lease())
		mine, other := concurrency.NewMutex(one, "lock"), concurrency.NewMutex(two, "lock")
		a.See("program", "lock %v", mine.Lock(a.Context()))
		a.See("program", "try %v", other.TryLock(a.Context()))
		var mu sync.Mutex
		held, done := true, make(chan error, 1)
		go func() {
			err := other.Lock(a.Context())
			mu.Lock()
			defer mu.Unlock()
			if held {
				a.Error("two have the lock")
			}
			done <- err
		}()
		get, err := first.Get(a.Context(), "elsewhere")
		a.See("program", "get %v %v", get.Kvs, err)
		mu.Lock()
		held = false
		mu.Unlock()
		a.See("program", "unlock %v", mine.Unlock(a.Context()))
		a.See("program", "lock %v", <-done)
		a.See("program", "key %v", other.Key())
		a.See("program", "close %v %v", one.Close(), two.Close())
	})
}

func session(a *stage.Act, c *clientv3.Client) *concurrency.Session {
	a.Helper()
	s, err := concurrency.NewSession(c)
	if err != nil {
		a.Fatal(err)
	}
	return s
}
