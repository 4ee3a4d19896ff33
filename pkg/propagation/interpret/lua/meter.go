package lua

import (
	"strconv"

	"github.com/yuin/gopher-lua/ast"
)

// The VM has no account of memory, but what a script does can be rewritten before it is compiled.
// All that can make memory grow without end (joining strings, filling tables by computed keys, making
// tables and functions) becomes a call of one of these functions, which a script cannot name.
// What is left grows by at most the script's own length for every one of them.
const (
	setFunction     = "(set)"     // (object, key, value)
	concatFunction  = "(concat)"  // (values...) string
	tableFunction   = "(table)"   // (table, number of its fields) table
	closureFunction = "(closure)" // (function) function
)

// metered rewrites a chunk. It must be a tree of bounded depth.
func metered(chunk []ast.Stmt) []ast.Stmt {
	var out []ast.Stmt
	for _, stmt := range chunk {
		out = append(out, meteredStmt(stmt)...)
	}
	return out
}

func meteredStmt(stmt ast.Stmt) []ast.Stmt {
	switch s := stmt.(type) {
	case *ast.AssignStmt:
		return []ast.Stmt{meteredAssignment(s)}
	case *ast.LocalAssignStmt:
		if len(s.Names) == 1 && len(s.Exprs) == 1 {
			if f, ok := s.Exprs[0].(*ast.FunctionExpr); ok {
				// Wrapped, it could not call itself by its name.
				f.Stmts = metered(f.Stmts)
				return []ast.Stmt{charge(s), s}
			}
		}
		meterExprs(s.Exprs)
	case *ast.FuncCallStmt:
		s.Expr = meteredExpr(s.Expr)
	case *ast.DoBlockStmt:
		s.Stmts = metered(s.Stmts)
	case *ast.WhileStmt:
		s.Condition, s.Stmts = meteredExpr(s.Condition), metered(s.Stmts)
	case *ast.RepeatStmt:
		s.Condition, s.Stmts = meteredExpr(s.Condition), metered(s.Stmts)
	case *ast.IfStmt:
		s.Condition, s.Then, s.Else = meteredExpr(s.Condition), metered(s.Then), metered(s.Else)
	case *ast.NumberForStmt:
		s.Init, s.Limit, s.Stmts = meteredExpr(s.Init), meteredExpr(s.Limit), metered(s.Stmts)
		if s.Step != nil {
			s.Step = meteredExpr(s.Step)
		}
	case *ast.GenericForStmt:
		meterExprs(s.Exprs)
		s.Stmts = metered(s.Stmts)
	case *ast.FuncDefStmt:
		s.Func.Stmts = metered(s.Func.Stmts)
		if s.Name.Func != nil {
			s.Name.Func = meteredExpr(s.Name.Func)
		}
		if s.Name.Receiver != nil {
			s.Name.Receiver = meteredExpr(s.Name.Receiver)
		}
		return []ast.Stmt{charge(s), s}
	case *ast.ReturnStmt:
		meterExprs(s.Exprs)
	}
	return []ast.Stmt{stmt}
}

// meteredAssignment replaces assignments to computed keys, and to several places. Those to keys that the script spells out
// add at most so many entries to a table as the script has names.
func meteredAssignment(s *ast.AssignStmt) ast.Stmt {
	meterExprs(s.Rhs)
	computed := len(s.Lhs) > 1
	if last, ok := s.Rhs[len(s.Rhs)-1].(*ast.FuncCallExpr); ok && len(s.Lhs) == len(s.Rhs) {
		// The compiler has p = (f(p)) call p instead of f where p is the last parameter. So has it
		// p, q = f(p), r; hence all with several sides are replaced.
		last.AdjustRet = false
	}
	for i, to := range s.Lhs {
		if get, ok := to.(*ast.AttrGetExpr); ok {
			get.Object, get.Key = meteredExpr(get.Object), meteredExpr(get.Key)
			_, literal := get.Key.(*ast.StringExpr)
			computed = computed || !literal
		}
		s.Lhs[i] = to
	}
	if !computed {
		return s
	}
	if len(s.Lhs) == 1 && len(s.Rhs) == 1 {
		get := s.Lhs[0].(*ast.AttrGetExpr)
		return setCall(s, get.Object, get.Key, s.Rhs[0])
	}
	// Lua evaluates all objects and keys, then all values, and then assigns.
	block := at(&ast.DoBlockStmt{}, s)
	value := func(i int) string { return string(rune('a'+i%26)) + "(value)" + string(rune('0'+i/26)) }
	object := func(i int) string { return value(i) + "(object)" }
	key := func(i int) string { return value(i) + "(key)" }
	for i, to := range s.Lhs {
		if get, ok := to.(*ast.AttrGetExpr); ok {
			block.Stmts = append(block.Stmts, at(&ast.LocalAssignStmt{
				Names: []string{object(i), key(i)}, Exprs: []ast.Expr{single(get.Object), single(get.Key)},
			}, s))
		}
	}
	values := &ast.LocalAssignStmt{Exprs: s.Rhs}
	for i := range s.Lhs {
		values.Names = append(values.Names, value(i))
	}
	block.Stmts = append(block.Stmts, at(values, s))
	for i := len(s.Lhs) - 1; i >= 0; i-- { // from right to left, as the VM does
		if _, ok := s.Lhs[i].(*ast.AttrGetExpr); ok {
			block.Stmts = append(block.Stmts, setCall(s, ident(s, object(i)), ident(s, key(i)), ident(s, value(i))))
			continue
		}
		block.Stmts = append(block.Stmts, at(&ast.AssignStmt{Lhs: []ast.Expr{s.Lhs[i]}, Rhs: []ast.Expr{ident(s, value(i))}}, s))
	}
	return block
}

func meterExprs(all []ast.Expr) {
	for i := range all {
		all[i] = meteredExpr(all[i])
	}
}

func meteredExpr(expr ast.Expr) ast.Expr {
	switch e := expr.(type) {
	case *ast.AttrGetExpr:
		e.Object, e.Key = meteredExpr(e.Object), meteredExpr(e.Key)
	case *ast.TableExpr:
		for _, f := range e.Fields {
			if f.Key != nil {
				f.Key = meteredExpr(f.Key)
			}
			f.Value = meteredExpr(f.Value)
		}
		return call(e, tableFunction, e, number(e, len(e.Fields)))
	case *ast.FuncCallExpr:
		if e.Func != nil {
			e.Func = meteredExpr(e.Func)
		}
		if e.Receiver != nil {
			e.Receiver = meteredExpr(e.Receiver)
		}
		meterExprs(e.Args)
	case *ast.LogicalOpExpr:
		e.Lhs, e.Rhs = meteredExpr(e.Lhs), meteredExpr(e.Rhs)
	case *ast.RelationalOpExpr:
		e.Lhs, e.Rhs = meteredExpr(e.Lhs), meteredExpr(e.Rhs)
	case *ast.ArithmeticOpExpr:
		e.Lhs, e.Rhs = meteredExpr(e.Lhs), meteredExpr(e.Rhs)
	case *ast.StringConcatOpExpr:
		var operands []ast.Expr
		var rest ast.Expr = e
		for len(operands) < 100 {
			join, ok := rest.(*ast.StringConcatOpExpr)
			if !ok {
				break
			}
			operands = append(operands, single(meteredExpr(join.Lhs)))
			rest = join.Rhs
		}
		return call(e, concatFunction, append(operands, single(meteredExpr(rest)))...)
	case *ast.UnaryMinusOpExpr:
		e.Expr = meteredExpr(e.Expr)
	case *ast.UnaryNotOpExpr:
		e.Expr = meteredExpr(e.Expr)
	case *ast.UnaryLenOpExpr:
		e.Expr = meteredExpr(e.Expr)
	case *ast.FunctionExpr:
		e.Stmts = metered(e.Stmts)
		return call(e, closureFunction, e)
	}
	return expr
}

// single takes one value of an expression that may have several.
func single(expr ast.Expr) ast.Expr {
	switch e := expr.(type) {
	case *ast.FuncCallExpr:
		e.AdjustRet = true
	case *ast.Comma3Expr:
		e.AdjustRet = true
	}
	return expr
}

// at gives a node the place of another in the script, for error messages.
func at[N ast.PositionHolder](node N, place ast.PositionHolder) N {
	node.SetLine(place.Line())
	node.SetLastLine(place.LastLine())
	return node
}

func ident(place ast.PositionHolder, name string) ast.Expr {
	return at(&ast.IdentExpr{Value: name}, place)
}

func number(place ast.PositionHolder, n int) ast.Expr {
	return at(&ast.NumberExpr{Value: strconv.Itoa(n)}, place)
}

// call of a function of ours, which all have one result.
func call(place ast.PositionHolder, function string, args ...ast.Expr) ast.Expr {
	return at(&ast.FuncCallExpr{Func: ident(place, function), Args: args}, place)
}

func setCall(place ast.PositionHolder, object, key, value ast.Expr) ast.Stmt {
	return at(&ast.FuncCallStmt{Expr: call(place, setFunction, single(object), single(key), single(value))}, place)
}

// charge stands before a statement that makes a function.
func charge(place ast.PositionHolder) ast.Stmt {
	return at(&ast.FuncCallStmt{Expr: call(place, closureFunction)}, place)
}
