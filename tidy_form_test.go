// The checks of form: opening line, lengths, nesting, parameters.

package rehearse_test

import (
	"go/ast"
	"go/types"
	"strings"
	"unicode/utf8"
)

const (
	maxFileLines     = 500
	maxFunctionLines = 70
	maxColumns       = 120
	tabColumns       = 4
	maxNesting       = 3
	maxParameters    = 4
)

// checkOpening wants one line of comment, a full stop at its end, and an
// empty line. What may follow before the package clause (a build constraint,
// the package's documentation) is left alone, and so is what a program opens
// as it was told to.
func checkOpening(s *source, r report) {
	if s.generated() {
		return
	}
	first := s.lines[0]
	switch {
	case !strings.HasPrefix(first, "// ") || len(s.lines) < 2 || s.lines[1] != "":
		r(s.file.FileStart, "open the file with one comment line, saying what it holds, and an empty line")
	case strings.HasPrefix(first, "// Package "):
		r(s.file.FileStart, "say what this file holds; the package's documentation comes after an empty line")
	case !strings.HasSuffix(first, "."):
		r(s.file.FileStart, "the opening line is a sentence: end it with a full stop, on the same line")
	}
}

func checkFileLength(s *source, r report) {
	if n := len(s.lines); n > maxFileLines && !s.generated() {
		r(s.file.FileStart, "the file has %d lines, %d are allowed: split it by subject", n, maxFileLines)
	}
}

// checkLineLength lets lines pass that cannot be broken: one word, such as an
// address, in a comment of its own, and what a raw string literal says.
func checkLineLength(s *source, r report) {
	if s.generated() {
		return
	}
	raw := s.rawLines()
	for i, line := range s.lines {
		n := utf8.RuneCountInString(line) + (tabColumns-1)*strings.Count(line, "\t")
		word, isComment := strings.CutPrefix(strings.TrimSpace(line), "// ")
		if n <= maxColumns || raw[i+1] || isComment && !strings.Contains(word, " ") {
			continue
		}
		start := s.fset.File(s.file.FileStart).LineStart(i + 1)
		r(start, "the line has %d columns, %d are allowed (a tab counts %d): break it", n, maxColumns, tabColumns)
	}
}

// rawLines tells which lines, from 1, hold some of a raw string literal.
func (s *source) rawLines() map[int]bool {
	raw := map[int]bool{}
	ast.Inspect(s.file, func(n ast.Node) bool {
		lit, ok := n.(*ast.BasicLit)
		if !ok || !strings.HasPrefix(lit.Value, "`") {
			return true
		}
		for line := s.fset.Position(lit.Pos()).Line; line <= s.fset.Position(lit.End()).Line; line++ {
			raw[line] = true
		}
		return true
	})
	return raw
}

// checkFunctionLength counts from the line of func to that of the last brace.
func checkFunctionLength(s *source, r report) {
	ast.Inspect(s.file, func(n ast.Node) bool {
		name := "the function literal"
		switch f := n.(type) {
		case *ast.FuncDecl:
			name = f.Name.Name
		case *ast.FuncLit:
		default:
			return true
		}
		lines := s.fset.Position(n.End()).Line - s.fset.Position(n.Pos()).Line + 1
		if lines > maxFunctionLines && !s.generated() {
			r(n.Pos(), "%s has %d lines, %d are allowed: give its parts names", name, lines, maxFunctionLines)
		}
		return true
	})
}

// checkNesting counts if, for, range, switch and select within each other. An
// else and an else if stand beside their if, a case adds nothing, and a
// function literal begins at nought again.
func checkNesting(s *source, r report) {
	if !s.generated() {
		ast.Walk(nesting{0, r}, s.file)
	}
}

type nesting struct {
	depth  int
	report report
}

func (n nesting) Visit(node ast.Node) ast.Visitor {
	switch node := node.(type) {
	case *ast.FuncDecl, *ast.FuncLit:
		n.depth = 0
	case *ast.IfStmt:
		n.visitIf(node)
		return nil
	case *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
		return n.deeper(node)
	}
	return n
}

func (n nesting) visitIf(node *ast.IfStmt) {
	inner := n.deeper(node)
	for _, part := range []ast.Node{node.Init, node.Cond, node.Body} {
		if part != nil {
			ast.Walk(inner, part)
		}
	}
	switch other := node.Else.(type) {
	case *ast.IfStmt:
		ast.Walk(n, other)
	case *ast.BlockStmt:
		ast.Walk(inner, other)
	}
}

func (n nesting) deeper(node ast.Node) nesting {
	n.depth++
	if n.depth == maxNesting+1 {
		n.report(node.Pos(), "statements nest %d deep, %d are allowed: return early, or give the inner part a name",
			n.depth, maxNesting)
	}
	return n
}

// checkParameters looks at functions, methods and the methods of interfaces.
// Receivers and results do not count; tests are free, and gRPC's interceptors,
// whose shape is gRPC's.
func checkParameters(s *source, r report) {
	if s.isTest() || s.generated() {
		return
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			countParameters(n.Name, n.Type, r)
		case *ast.InterfaceType:
			for _, m := range n.Methods.List {
				if f, ok := m.Type.(*ast.FuncType); ok {
					countParameters(m.Names[0], f, r)
				}
			}
		}
		return true
	})
}

// isInterceptor tells whether a function is handed the rest of a call as gRPC's
// client interceptors are: who goes on with it, and the call's options.
func isInterceptor(f *ast.FuncType) bool {
	names := ""
	for _, p := range f.Params.List {
		names += types.ExprString(p.Type) + " "
	}
	return strings.HasSuffix(names, " ...grpc.CallOption ") &&
		(strings.Contains(names, " grpc.UnaryInvoker ") || strings.Contains(names, " grpc.Streamer "))
}

func countParameters(name *ast.Ident, f *ast.FuncType, r report) {
	if n := f.Params.NumFields(); n > maxParameters && !isInterceptor(f) {
		r(name.Pos(), "%s has %d parameters, %d are allowed: take a struct", name.Name, n, maxParameters)
	}
}
