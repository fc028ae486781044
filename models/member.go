package models

import "iter"

// Members are the names, unescaped, and the texts of the members of an object that CheckJSON has passed; none for any
// other text. Nothing is decoded and nothing copied but names with escapes: it is for the hot path, which wants a few
// members of a text that may hold anything. A name is good until the next one.
func Members(text []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		s := scanner{src: text}
		if s.peek() != '{' {
			return
		}
		for s.pos++; s.peek() == '"'; {
			name, err := s.text()
			if err != nil || s.peek() != ':' {
				return
			}
			s.pos++
			s.peek()
			start := s.pos
			s.pass()
			if !yield(name, text[start:s.pos]) || s.peek() != ',' {
				return
			}
			s.pos++
			s.decoded = s.decoded[:0]
		}
	}
}

// pass goes on behind the value that begins here, of a text that was checked.
func (s *scanner) pass() {
	for depth, quoted := 0, false; s.pos < len(s.src); s.pos++ {
		switch c := s.src[s.pos]; {
		case quoted && c == '\\':
			s.pos++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case depth == 0 && (c == ',' || c == '}' || c == ' ' || c == '\n' || c == '\r' || c == '\t'):
			return
		case c == '}' || c == ']':
			depth--
		}
	}
	s.pos = min(s.pos, len(s.src))
}
