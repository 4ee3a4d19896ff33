package customization

import (
	"errors"
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
	"github.com/yuin/gopher-lua/parse"
)

// ChunkName stands before the line in what Lua reports of a script.
const ChunkName = "luaScript"

// MaxScript is how long a script may be, in bytes.
const MaxScript = 256 << 10

// MaxNesting is how deeply expressions and statements of a script may be nested.
const MaxNesting = 500

// Parse returns the syntax tree of a script that defines a function of this name. Errors are about
// the script and name the line.
func Parse(script, function string) ([]ast.Stmt, error) {
	if len(script) > MaxScript {
		return nil, fmt.Errorf("has %d bytes, must have %d at most", len(script), MaxScript)
	}
	chunk, err := parse.Parse(strings.NewReader(script), ChunkName)
	if err != nil {
		return nil, parseError(err)
	}
	if !shallow(chunk) {
		return nil, fmt.Errorf("is nested more than %d deep", MaxNesting)
	}
	if !defines(chunk, function) {
		return nil, fmt.Errorf("does not define the function %s", function)
	}
	return chunk, nil
}

// Check tells what is wrong with a script that must define a function of this name.
func Check(script, function string) error {
	chunk, err := Parse(script, function)
	if err != nil {
		return err
	}
	if _, err := lua.Compile(chunk, ChunkName); err != nil {
		return compileError(err)
	}
	return nil
}

func parseError(err error) error {
	var e *parse.Error
	if !errors.As(err, &e) {
		return err
	}
	if e.Pos.Line == parse.EOF {
		return fmt.Errorf("%s at the end of the script", strings.TrimSpace(e.Message))
	}
	return fmt.Errorf("line %d, column %d: %s near %q", e.Pos.Line, e.Pos.Column, strings.TrimSpace(e.Message), e.Token)
}

func compileError(err error) error {
	var e *lua.CompileError
	if errors.As(err, &e) {
		return fmt.Errorf("line %d: %s", e.Line, e.Message)
	}
	return err
}

// defines tells whether running the chunk can define a global function of this name.
func defines(chunk []ast.Stmt, name string) bool {
	for _, stmt := range chunk {
		switch s := stmt.(type) {
		case *ast.FuncDefStmt:
			if names(s.Name.Func, name) {
				return true
			}
		case *ast.AssignStmt:
			for _, to := range s.Lhs {
				if names(to, name) {
					return true
				}
			}
		case *ast.DoBlockStmt:
			if defines(s.Stmts, name) {
				return true
			}
		case *ast.IfStmt:
			if defines(s.Then, name) || defines(s.Else, name) {
				return true
			}
		}
	}
	return false
}

func names(expr ast.Expr, name string) bool {
	ident, ok := expr.(*ast.IdentExpr)
	return ok && ident.Value == name
}
