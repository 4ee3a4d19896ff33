// Package strictjson decodes JSON that people write, such as configuration: what a
// struct does not know is refused together with the names that it does know, and
// so is what is given twice. What is written goes over what the struct holds
// already, its defaults, even if it is zero.
package strictjson
