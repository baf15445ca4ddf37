// Dockerfiles: BuildKit's linter, and what it leaves to the build.

package deploycheck

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerui"
	digest "github.com/opencontainers/go-digest"
)

// Dockerfile says what is wrong with a Dockerfile that is built in the
// directory root.
func Dockerfile(ctx context.Context, name, root string) (findings []string, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	source := llb.NewSourceMap(nil, name, "Dockerfile", text)
	source.Definition = &llb.Definition{} // the linter reads it
	results, err := dockerfile2llb.DockerfileLint(ctx, text, dockerfile2llb.ConvertOpt{
		MetaResolver: offline{},
		SourceMap:    source,
		Config:       dockerui.Config{LinterConfig: &linter.Config{ExperimentalAll: true}},
	})
	if err != nil {
		return []string{fmt.Sprintf("%s: %v", name, err)}, nil
	}
	if results.Error != nil {
		findings = append(findings, fmt.Sprintf("%s: %s", name, results.Error.Message))
	}
	for _, w := range results.Warnings {
		findings = append(findings, fmt.Sprintf("%s: %s: %s", name, w.RuleName, w.Detail))
	}
	more, err := stages(name, root, text)
	return append(findings, more...), err
}

// offline knows of every image only that it is there.
type offline struct{}

func (offline) ResolveImageConfig(
	_ context.Context, ref string, _ sourceresolver.Opt,
) (string, digest.Digest, []byte, error) {
	config := []byte(`{"architecture":"amd64","os":"linux","config":{"Env":["PATH=/bin"]}}`)
	return ref, digest.FromBytes(config), config, nil
}

func stages(name, root string, text []byte) (findings []string, err error) {
	ast, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	all, _, err := instructions.Parse(ast.AST, nil)
	if err != nil || len(all) == 0 {
		return []string{fmt.Sprintf("%s: no stages: %v", name, err)}, nil
	}
	for _, stage := range all {
		if !named(all, stage.BaseName) {
			findings = append(findings, image(name, stage.BaseName)...)
		}
		for _, c := range stage.Commands {
			findings = append(findings, command(name, root, c)...)
			if c, ok := c.(*instructions.CopyCommand); ok && c.From != "" && !named(all, c.From) {
				findings = append(findings, fmt.Sprintf("%s: COPY from %s: there is no stage %s", name, c.From, c.From))
			}
		}
	}
	return append(findings, last(name, all[len(all)-1])...), nil
}

func named(all []instructions.Stage, name string) bool {
	return slices.ContainsFunc(all, func(s instructions.Stage) bool { return s.Name == name })
}

// command complains of sources that are not there, and of variables.
func command(name, root string, c instructions.Command) (findings []string) {
	switch c := c.(type) {
	case *instructions.CopyCommand:
		if c.From != "" {
			return nil
		}
		for _, source := range c.SourcePaths {
			if there, err := filepath.Glob(filepath.Join(root, source)); err != nil || len(there) == 0 {
				findings = append(findings, fmt.Sprintf("%s: COPY of %s, which is not there", name, source))
			}
		}
	case *instructions.EnvCommand:
		for _, e := range c.Env {
			findings = append(findings, variable(name, e.Key)...)
		}
	}
	return findings
}

// last complains of the stage that is the image: who runs it, and who asks
// after its health.
func last(name string, stage instructions.Stage) (findings []string) {
	user, healthy := "", false
	for _, c := range stage.Commands {
		switch c := c.(type) {
		case *instructions.UserCommand:
			user = c.User
		case *instructions.HealthCheckCommand:
			healthy = c.Health != nil && !slices.Equal(c.Health.Test, []string{"NONE"})
		}
	}
	if uid, _, _ := strings.Cut(user, ":"); uid == "" || uid == "root" || strings.Trim(uid, "0123456789") != "" ||
		strings.Trim(uid, "0") == "" {
		findings = append(findings, fmt.Sprintf("%s: the user is %q; want a number that is not 0", name, user))
	}
	if !healthy {
		findings = append(findings, name+": nobody asks after its health")
	}
	return findings
}
