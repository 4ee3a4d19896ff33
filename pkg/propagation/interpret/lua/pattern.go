package lua

import (
	"errors"
	"strings"
)

// Lua's patterns can take time that grows exponentially with the subject, and the VM's own matcher
// cannot be stopped. This one counts its steps and asks before it goes on.

const (
	maxCaptures = 32
	// maxMatchDepth bounds the stack that a match takes.
	maxMatchDepth = 200
	openCapture   = -1
	positionOnly  = -2
)

type capture struct{ start, length int }

// matcher matches one pattern against one subject. Errors are panics of type patternError.
type matcher struct {
	src, pat string
	captures []capture
	depth    int
	steps    int
	// tick is called every so many steps; it panics to end the match.
	tick func()
}

type patternError struct{ error }

func malformed(what string) { panic(patternError{errors.New(what)}) }

func (m *matcher) step() {
	m.steps++
	if m.steps&0x3ff == 0 {
		m.tick()
	}
}

// at matches the pattern from position p at position s of the subject and returns the end of the
// match, -1 if there is none.
func (m *matcher) at(s, p int) int {
	m.depth++
	defer func() { m.depth-- }()
	if m.depth > maxMatchDepth {
		malformed("pattern too complex")
	}
	for p < len(m.pat) {
		m.step()
		switch m.pat[p] {
		case '(':
			if p+1 < len(m.pat) && m.pat[p+1] == ')' {
				return m.open(s, p+2, positionOnly)
			}
			return m.open(s, p+1, openCapture)
		case ')':
			return m.close(s, p+1)
		case '$':
			if p+1 == len(m.pat) {
				if s == len(m.src) {
					return s
				}
				return -1
			}
		case '%':
			if p+1 < len(m.pat) {
				switch c := m.pat[p+1]; {
				case c == 'b':
					if s = m.balanced(s, p+2); s == -1 {
						return -1
					}
					p += 4
					continue
				case c == 'f':
					p += 2
					if p >= len(m.pat) || m.pat[p] != '[' {
						malformed("missing '[' after '%f' in pattern")
					}
					end := m.classEnd(p)
					before, after := byte(0), byte(0)
					if s > 0 {
						before = m.src[s-1]
					}
					if s < len(m.src) {
						after = m.src[s]
					}
					if m.inSet(before, p, end-1) || !m.inSet(after, p, end-1) {
						return -1
					}
					p = end
					continue
				case c >= '0' && c <= '9':
					if s = m.again(s, c); s == -1 {
						return -1
					}
					p += 2
					continue
				}
			}
		}
		end := m.classEnd(p)
		suffix := byte(0)
		if end < len(m.pat) {
			suffix = m.pat[end]
		}
		switch suffix {
		case '?':
			if m.single(s, p, end) {
				if e := m.at(s+1, end+1); e != -1 {
					return e
				}
			}
			p = end + 1
		case '+':
			if !m.single(s, p, end) {
				return -1
			}
			return m.most(s+1, p, end)
		case '*':
			return m.most(s, p, end)
		case '-':
			return m.least(s, p, end)
		default:
			if !m.single(s, p, end) {
				return -1
			}
			s, p = s+1, end
		}
	}
	return s
}

func (m *matcher) most(s, p, end int) int {
	n := 0
	for m.single(s+n, p, end) {
		m.step()
		n++
	}
	for ; n >= 0; n-- {
		if e := m.at(s+n, end+1); e != -1 {
			return e
		}
	}
	return -1
}

func (m *matcher) least(s, p, end int) int {
	for {
		if e := m.at(s, end+1); e != -1 {
			return e
		}
		if !m.single(s, p, end) {
			return -1
		}
		s++
	}
}

func (m *matcher) open(s, p, length int) int {
	if len(m.captures) >= maxCaptures {
		malformed("too many captures")
	}
	m.captures = append(m.captures, capture{s, length})
	e := m.at(s, p)
	if e == -1 {
		m.captures = m.captures[:len(m.captures)-1]
	}
	return e
}

func (m *matcher) close(s, p int) int {
	open := -1
	for i := len(m.captures) - 1; i >= 0 && open < 0; i-- {
		if m.captures[i].length == openCapture {
			open = i
		}
	}
	if open < 0 {
		malformed("invalid pattern capture")
	}
	m.captures[open].length = s - m.captures[open].start
	e := m.at(s, p)
	if e == -1 {
		m.captures[open].length = openCapture
	}
	return e
}

func (m *matcher) balanced(s, p int) int {
	if p+1 >= len(m.pat) {
		malformed("unbalanced pattern")
	}
	opening, closing := m.pat[p], m.pat[p+1]
	if s >= len(m.src) || m.src[s] != opening {
		return -1
	}
	for open, i := 1, s+1; i < len(m.src); i++ {
		m.step()
		switch m.src[i] {
		case closing:
			if open--; open == 0 {
				return i + 1
			}
		case opening:
			open++
		}
	}
	return -1
}

// again matches what an earlier capture matched.
func (m *matcher) again(s int, digit byte) int {
	i := int(digit) - '1'
	if i < 0 || i >= len(m.captures) || m.captures[i].length < 0 {
		malformed("invalid capture index")
	}
	c := m.captures[i]
	if strings.HasPrefix(m.src[s:], m.src[c.start:c.start+c.length]) {
		return s + c.length
	}
	return -1
}

func (m *matcher) classEnd(p int) int {
	c := m.pat[p]
	p++
	switch c {
	case '%':
		if p >= len(m.pat) {
			malformed("malformed pattern (ends with '%')")
		}
		return p + 1
	case '[':
		if p < len(m.pat) && m.pat[p] == '^' {
			p++
		}
		for first := true; ; first = false {
			if p >= len(m.pat) {
				malformed("malformed pattern (missing ']')")
			}
			c := m.pat[p]
			p++
			if c == ']' && !first {
				return p
			}
			if c == '%' {
				if p >= len(m.pat) {
					malformed("malformed pattern (missing ']')")
				}
				p++
			}
		}
	}
	return p
}

func (m *matcher) single(s, p, end int) bool {
	if s >= len(m.src) {
		return false
	}
	c := m.src[s]
	switch m.pat[p] {
	case '.':
		return true
	case '%':
		return inClass(c, m.pat[p+1])
	case '[':
		return m.inSet(c, p, end-1)
	}
	return m.pat[p] == c
}

// inSet matches the set from the bracket at p to that at end.
func (m *matcher) inSet(c byte, p, end int) bool {
	in := true
	p++
	if p < end && m.pat[p] == '^' {
		in = false
		p++
	}
	for ; p < end; p++ {
		switch {
		case m.pat[p] == '%' && p+1 < end:
			p++
			if inClass(c, m.pat[p]) {
				return in
			}
		case p+2 < end && m.pat[p+1] == '-':
			if m.pat[p] <= c && c <= m.pat[p+2] {
				return in
			}
			p += 2
		case m.pat[p] == c:
			return in
		}
	}
	return !in
}

func inClass(c, class byte) bool {
	lower := class | 0x20
	var in bool
	switch lower {
	case 'a':
		in = letter(c)
	case 'c':
		in = c < 0x20 || c == 0x7f
	case 'd':
		in = digit(c)
	case 'l':
		in = 'a' <= c && c <= 'z'
	case 'p':
		in = 0x20 < c && c < 0x7f && !letter(c) && !digit(c)
	case 's':
		in = c == ' ' || '\t' <= c && c <= '\r'
	case 'u':
		in = 'A' <= c && c <= 'Z'
	case 'w':
		in = letter(c) || digit(c)
	case 'x':
		in = digit(c) || 'a' <= c|0x20 && c|0x20 <= 'f'
	case 'z':
		in = c == 0
	default:
		return class == c
	}
	if !letter(class) {
		return class == c
	}
	return in == (class == lower)
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func digit(c byte) bool  { return '0' <= c && c <= '9' }
