package models

// MergeValues lays a value over that of the layer above it, as keys with `merge: deep` do: two objects are merged member by
// member, however deep; arrays, null and all else replace what is above. The result is canonical when both are. No
// value on one side leaves the other; a sealed value is no object.
func MergeValues(above, below Value) Value {
	switch {
	case below == "":
		return above
	case !above.isObject() || !below.isObject():
		return below
	}
	m := merger{above: above, below: below, out: make([]byte, 0, len(above)+len(below))}
	m.objects(0, 0)
	return Value(m.out)
}

// Merges tells whether the two come together member by member.
func Merges(above, below Value) bool { return above.isObject() && below.isObject() }

func (v Value) isObject() bool { return v != "" && v[0] == '{' }

// merger reads two canonical texts in step, each once from its beginning to its end, and writes one. It nests as
// deep as its texts do, MaxDepth at most.
type merger struct {
	above, below Value
	out          []byte
}

// objects merges the two objects that begin at i and j, and returns where they end.
func (m *merger) objects(i, j int) (iEnd, jEnd int) {
	m.out = append(m.out, '{')
	i, j = i+1, j+1
	upper, lower := m.above.nameAt(i), m.below.nameAt(j) // each is read once, however long it is
	for first := true; upper != "" || lower != ""; first = false {
		if !first {
			m.out = append(m.out, ',')
		}
		order := compareNames(upper, lower)
		switch {
		case order < 0:
			i = m.copy(m.above, i, len(upper))
		case order > 0:
			j = m.copy(m.below, j, len(lower))
		default:
			i, j = m.both(i, j, len(upper))
		}
		if order <= 0 {
			i = m.above.pastComma(i)
			upper = m.above.nameAt(i)
		}
		if order >= 0 {
			j = m.below.pastComma(j)
			lower = m.below.nameAt(j)
		}
	}
	m.out = append(m.out, '}')
	return i + 1, j + 1
}

// copy writes the member that begins at i, whose name is so long, and returns where it ends.
func (m *merger) copy(from Value, i, name int) int {
	end := from.skip(i + name + 1)
	m.out = append(m.out, from[i:end]...)
	return end
}

// both writes a member that both objects have.
func (m *merger) both(i, j, name int) (iEnd, jEnd int) {
	i += name + 1 // the colon
	if m.above[i] != '{' || m.below[j+name+1] != '{' {
		return m.above.skip(i), m.copy(m.below, j, name)
	}
	m.out = append(m.out, m.below[j:j+name+1]...)
	return m.objects(i, j+name+1)
}

// nameAt is the name, in quotes, of the member that begins at i; empty where the object ends.
func (v Value) nameAt(i int) Value {
	if v[i] == '}' {
		return ""
	}
	return v[i:v.skip(i)]
}

// pastComma is where the next member begins, or the bracket stands that ends the object.
func (v Value) pastComma(i int) int {
	if v[i] == ',' {
		return i + 1
	}
	return i
}

// compareNames orders members as canonical text does: by what their names say. No name comes after every other.
func compareNames(a, b Value) int {
	switch {
	case a == b:
		return 0
	case a == "":
		return 1
	case b == "":
		return -1
	}
	x, _ := a.Text()
	y, _ := b.Text()
	if x < y {
		return -1
	}
	return 1
}
