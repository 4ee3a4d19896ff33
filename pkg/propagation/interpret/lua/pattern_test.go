package lua

import "testing"

// Patterns do what the reference manual of Lua 5.1 says.
func TestPatterns(t *testing.T) {
	e := NewEngine(Options{})
	for body, want := range map[string]string{
		`return ("hello world"):find("wor")`:                                                          "7",
		`return select(2, ("hello world"):find("o w"))`:                                               "7",
		`return ("a.b"):find(".", 1, true)`:                                                           "2",
		`return ("hello"):find("l+", -2)`:                                                             "4",
		`return tostring(("hello"):find("xyz"))`:                                                      "nil",
		`return ("hello"):find("")`:                                                                   "1",
		`return ("key = value"):match("^(%w+)%s*=%s*(%w+)$")`:                                         "key",
		`return select(2, ("key = value"):match("^(%w+)%s*=%s*(%w+)$"))`:                              "value",
		`return ("2024-05-06"):match("(%d+)-(%d+)-(%d+)")`:                                            "2024",
		`return ("  trim  "):match("^%s*(.-)%s*$") .. "|"`:                                            "trim|",
		`return ("[[x]]"):match("%[%[(.-)%]%]")`:                                                      "x",
		`return ("f(a(b)c)d"):match("%b()")`:                                                          "(a(b)c)",
		`return ("THE (quick) fox"):find("%((%a+)%)")`:                                                "5",
		`return ("hello hello"):match("(h%a+) %1")`:                                                   "hello",
		`return ("abc"):match("()b()")`:                                                               "2",
		`return ("x^y"):match("[%^x]+")`:                                                              "x^",
		`return ("a-b"):match("[a%-]+")`:                                                              "a-",
		`return ("]x"):match("[]]")`:                                                                  "]",
		`return ("abc"):match("[^a]+")`:                                                               "bc",
		`return ("THE END"):gsub("%f[%a]%a+", "w")`:                                                   "w w",
		`return ("hello world"):gsub("o", "0")`:                                                       "hell0 w0rld",
		`return select(2, ("hello world"):gsub("o", "0"))`:                                            "2",
		`return ("hello world"):gsub("o", "0", 1)`:                                                    "hell0 world",
		`return ("hello"):gsub("", "-")`:                                                              "-h-e-l-l-o-",
		`return ("hello world"):gsub("(%w+) (%w+)", "%2 %1 %0 %%")`:                                   "world hello hello world %",
		`return ("$name is $x"):gsub("%$(%w+)", {name = "lua"})`:                                      "lua is $x",
		`return ("4 5"):gsub("%d", function(d) return d * 2 end)`:                                     "8 10",
		`return ("abc"):gsub("%w", function() return nil end)`:                                        "abc",
		`return ("abc"):gsub("^a", "x")`:                                                              "xbc",
		`local r = "" for w in ("one two"):gmatch("%a+") do r = r .. "<" .. w .. ">" end return r`:    "<one><two>",
		`local r = "" for k, v in ("a=1, b=2"):gmatch("(%w+)=(%w+)") do r = r .. k .. v end return r`: "a1b2",
		`local n = 0 for _ in ("abc"):gmatch("") do n = n + 1 end return n`:                           "4",
		`return ("Ab1 _!"):gsub("%W", ".")`:                                                           "Ab1...",
		`return ("aXb"):gsub("%u", "-")`:                                                              "a-b",
		`return ("0xfg"):match("%x+$") or "none"`:                                                     "none",
		`return (pcall(string.find, "a", "[a"))`:                                                      "false",
		`return select(2, pcall(string.find, "a", "[a"))`:                                             "luaScript:2: malformed pattern (missing ']')",
		`return select(2, pcall(string.find, "a", "(a"))`:                                             "luaScript:2: unfinished capture",
		`return select(2, pcall(string.gsub, "a", "a", "%2"))`:                                        "luaScript:2: invalid capture index",
		`return string.format("%05.1f|%-5s|%q|%d|%x", 3.14159, "ab", "q", 42, 255)`:                   `003.1|ab   |"q"|42|ff`,
		`return ("ab"):rep(3) .. ("x"):rep(0) .. ("x"):rep(-1)`:                                       "ababab",
		`return table.concat({1, 2, "x"}, ", ") .. table.concat({}, ",")`:                             "1, 2, x",
		`return table.concat({1, 2, 3}, "-", 2, 3)`:                                                   "2-3",
		`return ("AbC"):lower() .. ("AbC"):upper() .. ("abc"):reverse()`:                              "abcABCcba",
	} {
		if got, err := eval(t, e, body); err != nil || got != want {
			t.Errorf("%s\nreturns %q, %v, want %q", body, got, err, want)
		}
	}
}
