package hotswap

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"time"
)

// event is one of a text/event-stream.
type event struct {
	name, id string
	data     []byte
}

// events reads a stream as the HTML standard has it, 9.2.6, but that a line ends with LF or CR LF: no server ends one with CR alone.
type events struct {
	r     *bufio.Reader
	retry func(time.Duration)
	id    string // of the last event that had one
	begun bool
}

func newEvents(r io.Reader, retry func(time.Duration)) *events {
	return &events{r: bufio.NewReader(r), retry: retry}
}

// next is the next whole event. What the end of the stream cuts off is none.
func (s *events) next() (event, error) {
	e, size := event{}, 0
	var data [][]byte
	for {
		line, err := s.line(mostBody - size)
		if err != nil {
			return event{}, err
		}
		if len(line) == 0 {
			if data == nil {
				e = event{} // nothing to tell; its name is forgotten
				continue
			}
			e.id, e.data = s.id, bytes.Join(data, []byte("\n"))
			return e, nil
		}
		size += len(line)
		switch field, text := cut(line); field {
		case "event":
			e.name = string(text)
		case "data":
			data = append(data, text)
		case "id":
			if !bytes.ContainsRune(text, 0) {
				s.id = string(text)
			}
		case "retry":
			if ms, err := strconv.ParseUint(string(text), 10, 31); err == nil {
				s.retry(time.Duration(ms) * time.Millisecond)
			}
		}
	}
}

// cut parts a line into field and value. A comment has an empty field.
func cut(line []byte) (field string, text []byte) {
	name, text, _ := bytes.Cut(line, []byte(":"))
	return string(name), bytes.TrimPrefix(text, []byte(" "))
}

// line reads one, without its end, a copy. The limit is on its bytes.
func (s *events) line(limit int) ([]byte, error) {
	var whole []byte
	for {
		part, err := s.r.ReadSlice('\n')
		if len(whole)+len(part) > limit {
			return nil, errTooLarge
		}
		whole = append(whole, part...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil {
			return nil, err
		}
		whole = bytes.TrimSuffix(bytes.TrimSuffix(whole, []byte("\n")), []byte("\r"))
		if !s.begun {
			s.begun = true
			whole = bytes.TrimPrefix(whole, []byte("\ufeff"))
		}
		return whole, nil
	}
}
