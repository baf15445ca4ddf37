// Programs that know nothing of clustertest, as nodes.

//go:build unix

package clustertest_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/journal"
)

// foreignVar makes this test binary a program that knows nothing of
// clustertest: foreign, with these arguments.
const foreignVar = "CLUSTERTEST_FOREIGN"

func TestMain(m *testing.M) {
	if args := os.Getenv(foreignVar); args != "" {
		if err := foreign(strings.Fields(args)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// foreign answers lines: "get" with its name, "ask n1 1s" with what n1 answers
// to "get" within a second, "exit" by ending. It ends when it is told to.
func foreign(args []string) error {
	flags := flag.NewFlagSet("foreign", flag.ContinueOnError)
	name := flags.String("name", "", "who it is")
	fd := flags.Uint("fd", 0, "a listener it has inherited")
	address := flags.String("listen", "", "where it listens, otherwise")
	peers := flags.String("peers", "", "n0=127.0.0.1:4000,n1=...")
	abandon := flags.Bool("abandon", false, "leave a process behind that leaves the group, instead of serving")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *abandon {
		daemon := exec.Command("sleep", "15") // longer than anybody waits
		daemon.Stdout, daemon.SysProcAttr = os.Stdout, &syscall.SysProcAttr{Setsid: true}
		fmt.Println("ready")
		return daemon.Start()
	}
	l, err := net.FileListener(os.NewFile(uintptr(*fd), "listener"))
	if *fd == 0 {
		l, err = net.Listen("tcp", *address)
	}
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() { l.Close() })
	at := map[string]string{}
	for peer := range strings.SplitSeq(*peers, ",") {
		peer, real, _ := strings.Cut(peer, "=")
		at[peer] = real
	}
	fmt.Println(*name, "is ready")
	fmt.Fprintln(os.NewFile(3, "events"), `{"Event": {"Kind": "app.ready", "Subject": "`+*name+`"}}`)
	for {
		c, err := l.Accept()
		if err != nil {
			fmt.Print(*name, " ends") // with no end of line
			return nil
		}
		go answerForeign(c, *name, at)
	}
}

func answerForeign(c net.Conn, name string, at map[string]string) {
	defer c.Close()
	for lines := bufio.NewScanner(c); lines.Scan(); {
		switch words := strings.Fields(lines.Text()); words[0] {
		case "get":
			fmt.Fprintln(c, name)
		case "ask":
			within, _ := time.ParseDuration(words[2])
			fmt.Fprintln(c, askForeign(at[words[1]], within))
		case "exit":
			os.Exit(3)
		}
	}
}

func askForeign(real string, within time.Duration) string {
	c, err := net.Dial("tcp", real)
	if err != nil {
		return "unreachable"
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(within))
	fmt.Fprintln(c, "get")
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		return "unreachable"
	}
	return strings.TrimSpace(line)
}

// nobody is the program of clusters whose nodes are Commands: it is not built.
func nobody(*clustertest.Env) (clustertest.Program, error) { return nil, errors.New("built here") }

type strangers = *clustertest.Cluster[clustertest.Program]

// onStrangers runs body on nodes that a command makes.
func onStrangers(
	t *testing.T, c clustertest.Config, command func(*clustertest.NodeInfo) *exec.Cmd, body func(strangers),
) {
	t.Helper()
	c.Mode, c.Command = clustertest.Processes, command
	clustertest.Run(t, c, nobody, func(_ *testing.T, c strangers) { body(c) })
}

// foreigner is the command of the foreign program.
func foreigner(n *clustertest.NodeInfo, where string) *exec.Cmd {
	var peers []string
	for _, name := range n.Nodes {
		peers = append(peers, name+"="+n.Peer(name+":7000"))
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(),
		foreignVar+"=-name "+n.Name+" "+where+" -peers "+strings.Join(peers, ","), "GORACE=atexit_sleep_ms=0")
	return cmd
}

func inheriting(n *clustertest.NodeInfo) *exec.Cmd {
	fd, _ := n.Inherit(7000)
	return foreigner(n, fmt.Sprint("-fd ", fd))
}

func binding(n *clustertest.NodeInfo) *exec.Cmd { return foreigner(n, "-listen "+n.Bind(7000)) }

// shell makes each node a shell that runs a script.
func shell(script string) func(*clustertest.NodeInfo) *exec.Cmd {
	return func(*clustertest.NodeInfo) *exec.Cmd { return exec.Command("sh", "-c", script) }
}

// hears asks a stranger something and fails the test unless it answers so.
func hears(c strangers, node, line, want string) {
	c.T.Helper()
	ctx, cancel := context.WithTimeout(c.T.Context(), 2*soon)
	defer cancel()
	if got, err := ask(ctx, c.Dial, node, line); err != nil || got != want {
		c.T.Fatalf("%s, asked %q, answered %q, %v; want %q", node, line, got, err, want)
	}
}

// logged awaits a line in a node's log.
func logged(c strangers, node, text string) {
	c.T.Helper()
	c.AwaitEvent(node+" saying "+text, soon, func(e journal.Event) bool {
		return e.Kind == "node.log" && e.Where == node && strings.Contains(string(e.Body), text)
	})
}

func refused(c strangers, node string) {
	c.T.Helper()
	if _, err := c.Dial(c.T.Context(), "tcp", node+":7000"); !errors.Is(err, syscall.ECONNREFUSED) {
		c.T.Errorf("dialling %s: %v", node, err)
	}
}

func TestAProgramThatKnowsNothingCanBeBroken(t *testing.T) {
	for name, command := range map[string]func(*clustertest.NodeInfo) *exec.Cmd{
		"listening by inheritance": inheriting, "listening by address": binding,
	} {
		t.Run(name, func(t *testing.T) {
			onStrangers(t, clustertest.Config{}, command, befall)
		})
	}
}

// befall is what happens to three strangers.
func befall(c strangers) {
	for n := range c.Nodes() {
		logged(c, n.Name(), n.Name()+" is ready")
		if e := n.AwaitEvent("app.ready", soon); e.Subject != n.Name() {
			c.T.Errorf("%s is ready as %q", n.Name(), e.Subject)
		}
	}
	hears(c, "n0", "ask n1 10s", "n1")

	heal := c.Part(0)
	hears(c, "n0", "ask n1 100ms", "unreachable")
	hears(c, "n2", "ask n1 10s", "n1")
	heal()
	hears(c, "n0", "ask n1 10s", "n1")

	c.Node(1).Kill()
	refused(c, "n1")
	hears(c, "n0", "ask n1 10s", "unreachable")
	c.Node(1).Start()
	c.Node(1).AwaitEvent("app.ready", soon)
	hears(c, "n0", "ask n1 10s", "n1")

	resume := c.Node(2).Pause()
	hears(c, "n0", "ask n2 100ms", "unreachable")
	resume()
	hears(c, "n0", "ask n2 10s", "n2")

	c.Node(2).Restart()
	logged(c, "n2", "n2 ends")
	c.Node(2).AwaitEvent("app.ready", soon)
	hears(c, "n0", "ask n2 10s", "n2")
}

func TestAStrangerThatEndsByItselfIsRefusedAndComesBack(t *testing.T) {
	config := clustertest.Config{Nodes: 2, Failed: func(node string, err error) bool {
		return node == "n1" && err != nil && err.Error() == "exit status 3"
	}}
	onStrangers(t, config, inheriting, func(c strangers) {
		c.Node(1).AwaitEvent("app.ready", soon)
		ctx, cancel := context.WithTimeout(c.T.Context(), soon)
		defer cancel()
		if got, err := ask(ctx, c.Dial, "n1", "exit"); err == nil {
			c.T.Errorf("who exits answers %q", got)
		}
		c.Node(1).AwaitEvent("node.exit", soon)
		refused(c, "n1")
		c.Node(1).Start()
		hears(c, "n0", "ask n1 10s", "n1")
	})
}

func TestTheJournalTellsTheLivesOfProcesses(t *testing.T) {
	script := `echo one; echo two >&2; printf three; echo '{"Event": {"Kind": "app.ready"}}' >&3; exec sleep 1000`
	onStrangers(t, clustertest.Config{Nodes: 1}, shell(script), func(c strangers) {
		c.Node(0).AwaitEvent("app.ready", soon)
		c.Node(0).Kill()
		c.Node(0).Start()
		c.Node(0).AwaitEvent("app.ready", soon)
		c.Node(0).Stop()
		var told []string
		for e := range c.Journal().Events(0) {
			switch e.Kind {
			case "node.start", "node.log", "node.exit": // in this order, whatever comes between
				line := strings.TrimPrefix(string(e.Kind), "node.") + " " + string(e.Body)
				for _, note := range e.Notes {
					line += note.Key + "=" + note.Value
				}
				told = append(told, strings.TrimSpace(line))
			}
		}
		want := "start life=0; log one; log two; log three; exit process=signal: killed; " +
			"start life=1; log one; log two; log three; exit process=signal: terminated"
		if got := strings.Join(told, "; "); got != want {
			c.T.Errorf("the journal tells\n%s\nwant\n%s", got, want)
		}
	})
}

func TestReportsAreOfTheirNode(t *testing.T) {
	script := `echo garbage >&3
echo '{"Evnt": {"Kind": "app.typo"}}' >&3
echo '{"Event": {"Subject": "no kind"}}' >&3
echo '{"Event": {"Kind": "node.exit"}}' >&3
echo '{"Fatal": "it says"}' >&3
echo '{"Up": true}' >&3
printf '{"Event": {"Kind": "app.ready", "Where": "n7", "Notes": [{"Key": "a", "Value": "b"}]}}' >&3
exec sleep 1000 3>&-`
	onStrangers(t, clustertest.Config{Nodes: 1}, shell(script), func(c strangers) {
		e := c.Node(0).AwaitEvent("app.ready", soon)
		if e.Where != "n0" || len(e.Notes) != 1 || e.Notes[0] != (journal.Note{Key: "a", Value: "b"}) {
			c.T.Errorf("an event %+v", e)
		}
		for _, what := range []string{"garbage", "Evnt", "no kind", "node.exit", "Fatal", "Up"} {
			logged(c, "n0", what)
		}
		if !c.Node(0).Running() {
			c.T.Error("a node that says that it has ended has ended")
		}
	})
}

func TestTooLongALineIsCut(t *testing.T) {
	const long = `head -c 10000000 /dev/zero | tr '\0' x`
	script := long + `; echo; ` + long + ` >&3; echo >&3; echo '{"Event": {"Kind": "app.ready"}}' >&3; exec sleep 1000`
	onStrangers(t, clustertest.Config{Nodes: 1}, shell(script), func(c strangers) {
		c.Node(0).AwaitEvent("app.ready", 2*soon)
		c.Node(0).Stop()
		lines, size := 0, 0
		for e := range c.Journal().Events(0) {
			if e.Kind == "node.log" && !strings.Contains(string(e.Body), "not a report") {
				lines, size = lines+1, size+e.Size
			}
		}
		if size != 10000000 || lines < 100 || lines > 1000 {
			c.T.Errorf("10 MB in %d lines of %d bytes", lines, size)
		}
	})
}

func TestACommandKeepsFilesOfItsOwn(t *testing.T) {
	held, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	command := func(n *clustertest.NodeInfo) *exec.Cmd {
		fd, _ := n.Inherit(7000)
		cmd := exec.Command("sh", "-c", fmt.Sprintf("cat; echo extra >&%d; echo ready >&3; exec sleep 1000", fd+1))
		cmd.Stdin, cmd.Stdout, cmd.ExtraFiles = strings.NewReader("input\n"), out, []*os.File{out}
		return cmd
	}
	onStrangers(t, clustertest.Config{Nodes: 1}, command, func(c strangers) {
		logged(c, "n0", "ready")
		c.Node(0).Stop() // so that nobody holds its files
	})
	out.Close()
	if text, err := io.ReadAll(held); err != nil || string(text) != "input\nextra\n" {
		t.Errorf("its files have %q, %v", text, err)
	}
}
