package customization

import "github.com/yuin/gopher-lua/ast"

// shallow tells whether a chunk stays within MaxNesting: compiling takes stack for every level, and
// running out of stack cannot be recovered from.
func shallow(chunk []ast.Stmt) bool {
	d := depth{}
	d.stmts(chunk, 0)
	return !d.exceeded
}

type depth struct{ exceeded bool }

func (d *depth) beyond(level int) bool {
	d.exceeded = d.exceeded || level > MaxNesting
	return d.exceeded
}

func (d *depth) stmts(all []ast.Stmt, level int) {
	for _, s := range all {
		d.stmt(s, level)
	}
}

func (d *depth) exprs(all []ast.Expr, level int) {
	for _, e := range all {
		d.expr(e, level)
	}
}

func (d *depth) stmt(stmt ast.Stmt, level int) {
	if d.beyond(level) {
		return
	}
	level++
	switch s := stmt.(type) {
	case *ast.AssignStmt:
		d.exprs(s.Lhs, level)
		d.exprs(s.Rhs, level)
	case *ast.LocalAssignStmt:
		d.exprs(s.Exprs, level)
	case *ast.FuncCallStmt:
		d.expr(s.Expr, level)
	case *ast.DoBlockStmt:
		d.stmts(s.Stmts, level)
	case *ast.WhileStmt:
		d.expr(s.Condition, level)
		d.stmts(s.Stmts, level)
	case *ast.RepeatStmt:
		d.expr(s.Condition, level)
		d.stmts(s.Stmts, level)
	case *ast.IfStmt:
		d.expr(s.Condition, level)
		d.stmts(s.Then, level)
		d.stmts(s.Else, level)
	case *ast.NumberForStmt:
		d.exprs([]ast.Expr{s.Init, s.Limit, s.Step}, level)
		d.stmts(s.Stmts, level)
	case *ast.GenericForStmt:
		d.exprs(s.Exprs, level)
		d.stmts(s.Stmts, level)
	case *ast.FuncDefStmt:
		d.expr(s.Name.Func, level)
		d.expr(s.Name.Receiver, level)
		d.stmts(s.Func.Stmts, level)
	case *ast.ReturnStmt:
		d.exprs(s.Exprs, level)
	}
}

func (d *depth) expr(expr ast.Expr, level int) {
	if d.beyond(level) {
		return
	}
	level++
	switch e := expr.(type) {
	case *ast.AttrGetExpr:
		d.expr(e.Object, level)
		d.expr(e.Key, level)
	case *ast.TableExpr:
		for _, f := range e.Fields {
			d.expr(f.Key, level)
			d.expr(f.Value, level)
		}
	case *ast.FuncCallExpr:
		d.expr(e.Func, level)
		d.expr(e.Receiver, level)
		d.exprs(e.Args, level)
	case *ast.LogicalOpExpr:
		d.expr(e.Lhs, level)
		d.expr(e.Rhs, level)
	case *ast.RelationalOpExpr:
		d.expr(e.Lhs, level)
		d.expr(e.Rhs, level)
	case *ast.StringConcatOpExpr:
		d.expr(e.Lhs, level)
		d.expr(e.Rhs, level)
	case *ast.ArithmeticOpExpr:
		d.expr(e.Lhs, level)
		d.expr(e.Rhs, level)
	case *ast.UnaryMinusOpExpr:
		d.expr(e.Expr, level)
	case *ast.UnaryNotOpExpr:
		d.expr(e.Expr, level)
	case *ast.UnaryLenOpExpr:
		d.expr(e.Expr, level)
	case *ast.FunctionExpr:
		d.stmts(e.Stmts, level)
	}
}
