// pgx against a scripted server that speaks a little of PostgreSQL's protocol.

package interop_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/rehearse-go/rehearse/vnettest"
)

// servePostgres starts a server on the host db that knows one table: "select
// sleep" takes an hour, "select fail" fails, and everything else yields two
// rows.
func servePostgres(t *vnettest.T) {
	t.Helper()
	l, err := t.Host("db").Listen(t.Context(), "tcp", ":5432")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go backend(c)
		}
	}()
}

// backend answers one client until it goes.
func backend(c net.Conn) {
	defer c.Close()
	b := pgproto3.NewBackend(c, c)
	if _, err := b.ReceiveStartupMessage(); err != nil {
		return
	}
	b.Send(&pgproto3.AuthenticationOk{})
	for _, p := range [][2]string{{"standard_conforming_strings", "on"}, {"client_encoding", "UTF8"}} {
		b.Send(&pgproto3.ParameterStatus{Name: p[0], Value: p[1]})
	}
	b.Send(&pgproto3.BackendKeyData{ProcessID: 1, SecretKey: []byte{0, 0, 0, 1}})
	for {
		b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		if b.Flush() != nil {
			return
		}
		m, err := b.Receive()
		if err != nil {
			return
		}
		if q, ok := m.(*pgproto3.Query); ok {
			answerQuery(b, q.String)
		}
	}
}

func answerQuery(b *pgproto3.Backend, sql string) {
	switch {
	case strings.Contains(sql, "fail"):
		b.Send(&pgproto3.ErrorResponse{Severity: "ERROR", Code: "42P01", Message: "no such table"})
		return
	case strings.Contains(sql, "sleep"):
		time.Sleep(time.Hour) // virtual
	}
	const textOID = 25
	b.Send(&pgproto3.RowDescription{Fields: []pgproto3.FieldDescription{{
		Name: []byte("name"), DataTypeOID: textOID, DataTypeSize: -1, TypeModifier: -1,
	}}})
	for _, name := range []string{"ada", "bob"} {
		b.Send(&pgproto3.DataRow{Values: [][]byte{[]byte(name)}})
	}
	b.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT 2")})
}

// connectPostgres connects from the host app. Both functions are needed: pgx
// resolves names before it dials.
func connectPostgres(t *vnettest.T) *pgx.Conn {
	t.Helper()
	config, err := pgx.ParseConfig("postgres://me:secret@db:5432/shop?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	config.DialFunc, config.LookupFunc = t.Host("app").Dial, t.Host("app").LookupHost
	c, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

func names(ctx context.Context, c *pgx.Conn, sql string) ([]string, error) {
	rows, err := c.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func TestPgxQueries(t *testing.T) {
	vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
		servePostgres(t)
		c := connectPostgres(t)
		start := time.Now()
		for _, sql := range []string{"select name from people", "select sleep"} {
			if got, err := names(t.Context(), c, sql); strings.Join(got, " ") != "ada bob" || err != nil {
				t.Errorf("%s: %v, %v", sql, got, err)
			}
		}
		if took := time.Since(start); took != time.Hour {
			t.Errorf("the slow query took %v, want an hour", took)
		}
		_, err := names(t.Context(), c, "select fail")
		if bad, ok := errors.AsType[*pgconn.PgError](err); !ok || bad.Code != "42P01" {
			t.Errorf("the query that fails: %v", err)
		}
	})
}

func TestPgxGivesUpInAPartition(t *testing.T) {
	vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
		servePostgres(t)
		c := connectPostgres(t)
		defer t.Part("db")()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		_, err := names(ctx, c, "select name from people")
		took := time.Since(start)
		if !errors.Is(err, context.DeadlineExceeded) || took != 5*time.Second || !c.IsClosed() {
			t.Errorf("%v after %v, closed: %v; want to give up after 5s", err, took, c.IsClosed())
		}
	})
}
