package models

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// CheckJSON tells whether a request body is one JSON text by strict rules, before anything decodes it:
// valid UTF-8, no trailing data, no duplicate members (malformed), no NUL, no lone surrogates and depth of at most
// MaxDepth (invalid). The size of numbers and of the body is not its business.
func CheckJSON(raw []byte) error {
	s := scanner{src: raw, duplicate: CodeMalformed}
	return s.run()
}

// canonical is the strict check and the canonical text in one pass.
func canonical(raw []byte) (Value, error) {
	s := scanner{src: raw, duplicate: CodeInvalid, write: true, out: make([]byte, 0, len(raw))}
	if err := s.run(); err != nil {
		return "", err
	}
	return Value(s.out), nil
}

// Under moves the pointers of an Error below the member that holds the text it is about:
// what ParseValue says of "/a" is "/items/0/value/a" to the caller. Other errors stay as they are.
func Under(pointer string, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	moved := *e
	moved.Fields = slices.Clone(e.Fields)
	for i := range moved.Fields {
		moved.Fields[i].Pointer = pointer + moved.Fields[i].Pointer
	}
	return &moved
}

// scanner reads one JSON text (RFC 8259) without recursion and reports the first problem it meets.
// It also writes the canonical text if asked to.
type scanner struct {
	src       []byte
	pos       int
	duplicate Code // what a duplicate member is

	open    [MaxDepth]container
	depth   int
	members []member // of all open objects, the innermost object's last
	naming  bool     // a member's name is being read: it is not part of the pointer yet
	decoded []byte   // unescaped names, and the string that is being read

	write bool
	out   []byte
	spare []byte
}

// container is an array or object that is not closed yet.
type container struct {
	closing byte
	index   int // of the current element
	first   int // of the object's members in scanner.members
}

// member is a name, unescaped, and where its `"name":value` lies in the output.
type member struct {
	name       []byte
	start, end int
}

func (s *scanner) run() error {
	if !utf8.Valid(s.src) {
		return Malformed("the text is not valid UTF-8")
	}
	for {
		complete, err := s.value()
		for err == nil && complete && s.depth > 0 {
			complete, err = s.next()
		}
		if err != nil {
			return err
		}
		if complete {
			return s.end()
		}
	}
}

// value reads a scalar, or enters a container; complete tells that a whole value has been read.
func (s *scanner) value() (complete bool, err error) {
	switch c := s.peek(); {
	case c == '{':
		return s.enter('{', '}')
	case c == '[':
		return s.enter('[', ']')
	case c == '"':
		return true, s.quoted()
	case c == '-' || isDigit(c):
		return true, s.number()
	default:
		return true, s.literal()
	}
}

func (s *scanner) enter(opening, closing byte) (complete bool, err error) {
	if s.depth == MaxDepth {
		return false, s.invalid("arrays and objects nest at most " + strconv.Itoa(MaxDepth) + " deep")
	}
	s.open[s.depth] = container{closing: closing, first: len(s.members)}
	s.depth++
	s.take(opening)
	switch {
	case s.peek() == closing:
		return true, s.leave()
	case closing == '}':
		return false, s.name()
	default:
		return false, nil
	}
}

// next goes on behind a complete value in a container: to the next value, or out of the container.
func (s *scanner) next() (complete bool, err error) {
	c := &s.open[s.depth-1]
	switch s.peek() {
	case ',':
		s.endMember(c)
		s.take(',')
		c.index++
		if c.closing == '}' {
			return false, s.name()
		}
		return false, nil
	case c.closing:
		s.endMember(c)
		return true, s.leave()
	default:
		return false, s.malformed("a comma or the end of the array or object is expected")
	}
}

// name reads a member's name and the colon.
func (s *scanner) name() error {
	s.naming = true
	if s.peek() != '"' {
		return s.malformed("a member's name is expected")
	}
	text, err := s.text()
	if err != nil {
		return err
	}
	if s.members == nil {
		s.members = make([]member, 0, 16) // enough for most texts
	}
	s.members = append(s.members, member{name: text, start: len(s.out)})
	s.naming = false
	if s.write {
		s.out = appendQuoted(s.out, text)
	}
	if s.peek() != ':' {
		return s.malformed("a colon is expected")
	}
	s.take(':')
	return nil
}

func (s *scanner) endMember(c *container) {
	if c.closing == '}' {
		s.members[len(s.members)-1].end = len(s.out)
	}
}

// leave closes the innermost container. Members in rising order, the usual case, are neither equal nor to be moved.
func (s *scanner) leave() error {
	c := s.open[s.depth-1]
	if own := s.members[c.first:]; !rising(own) {
		if err := s.sort(own); err != nil {
			return err
		}
	}
	s.members = s.members[:c.first]
	s.take(c.closing)
	s.depth--
	return nil
}

func (s *scanner) sort(own []member) error {
	start := own[0].start
	slices.SortFunc(own, func(a, b member) int { return bytes.Compare(a.name, b.name) })
	for i := 1; i < len(own); i++ {
		if bytes.Equal(own[i-1].name, own[i].name) {
			own[len(own)-1] = own[i] // the pointer ends with the last member
			return s.fail(s.duplicate, "the member is given twice")
		}
	}
	if s.write {
		s.reorder(start, own)
	}
	return nil
}

// reorder rewrites the members of the object that ends the output, whose first stands at start.
func (s *scanner) reorder(start int, own []member) {
	s.spare = s.spare[:0]
	for i, m := range own {
		if i > 0 {
			s.spare = append(s.spare, ',')
		}
		s.spare = append(s.spare, s.out[m.start:m.end]...)
	}
	copy(s.out[start:], s.spare)
}

func rising(members []member) bool {
	for i := 1; i < len(members); i++ {
		if bytes.Compare(members[i-1].name, members[i].name) >= 0 {
			return false
		}
	}
	return true
}

func (s *scanner) end() error {
	if s.peek(); s.pos < len(s.src) {
		return s.malformed("nothing may follow the value")
	}
	return nil
}

func (s *scanner) number() error {
	end, ok := scanNumber(s.src, s.pos)
	if !ok {
		s.pos = end
		return s.malformed("a digit is expected")
	}
	if s.write {
		if s.out, ok = appendNumber(s.out, s.src[s.pos:end]); !ok {
			return s.invalid("numbers have at most 34 digits and an exponent of at most 308")
		}
	}
	s.pos = end
	return nil
}

func (s *scanner) literal() error {
	rest := s.src[s.pos:]
	for _, word := range [...]string{"true", "false", "null"} {
		if len(rest) >= len(word) && string(rest[:len(word)]) == word {
			s.pos += len(word)
			if s.write {
				s.out = append(s.out, word...)
			}
			return nil
		}
	}
	return s.malformed("a value is expected")
}

// peek skips white space and returns the byte that follows, 0 at the end; a real NUL is nowhere expected either.
func (s *scanner) peek() byte {
	for ; s.pos < len(s.src); s.pos++ {
		if c := s.src[s.pos]; c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c
		}
	}
	return 0
}

// take moves past a byte that belongs to the canonical text as well.
func (s *scanner) take(c byte) {
	s.pos++
	if s.write {
		s.out = append(s.out, c)
	}
}

func (s *scanner) malformed(message string) error { return s.fail(CodeMalformed, message) }

func (s *scanner) invalid(message string) error { return s.fail(CodeInvalid, message) }

func (s *scanner) fail(code Code, message string) error {
	if code == CodeInvalid {
		return Invalid(s.pointer(), message)
	}
	return &Error{
		Code: code, Message: "the text is not valid JSON at byte " + strconv.Itoa(s.pos) + ": " + message,
		Fields: []FieldError{{Pointer: s.pointer(), Message: message}},
	}
}

// maxPointer keeps an answer from repeating the request: a longer path is cut at the last name that fits.
const maxPointer = 256

// pointer is the place in the text (RFC 6901) that the scanner has reached.
func (s *scanner) pointer() string {
	var p []byte
	for i := range s.depth {
		var token string
		switch c := s.open[i]; {
		case c.closing == ']':
			token = strconv.Itoa(c.index)
		case s.naming && i == s.depth-1:
			return string(p)
		default:
			token = string(s.current(i))
		}
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~", "~0"), "/", "~1")
		if len(p)+1+len(token) > maxPointer {
			return string(p)
		}
		p = append(append(p, '/'), token...)
	}
	return string(p)
}

// current is the name of the member that is being read in the open object i.
func (s *scanner) current(i int) []byte {
	last := len(s.members)
	if i+1 < s.depth {
		last = s.open[i+1].first
	}
	return s.members[last-1].name
}
