package activitystreams

// An atom is the number of a name of the vocabulary: its place in terms, from 1. It is 0 for other
// names, and atomContext for "@context". Each member name is looked up once, when it is scanned.
type atom uint16

const atomContext atom = 0xffff

// atomOf returns the atom of a name.
func atomOf(name string) atom {
	hash, _ := hashName([]byte(name))
	return atomByHash(hash, name)
}

// atomByHash returns the atom of a name whose hash is known.
func atomByHash[B ~[]byte | ~string](hash uint64, name B) atom {
	for slot := hash >> atomShift; ; slot = (slot + 1) % uint64(len(atomSlots)) {
		a := atomSlots[slot]
		switch {
		case a == 0:
			return 0
		case a == atomContext:
			if string(name) == "@context" {
				return a
			}
		case terms[a-1].name == string(name):
			return a
		}
	}
}

// name returns the name of an atom; "" for 0.
func (a atom) name() string {
	switch a {
	case 0:
		return ""
	case atomContext:
		return "@context"
	}
	return terms[a-1].name
}

const atomShift = 64 - 11

// atomSlots is an open hash table of the terms, a third full.
var atomSlots = func() (slots [1 << (64 - atomShift)]atom) {
	put := func(name string, a atom) {
		hash, _ := hashName([]byte(name))
		slot := hash >> atomShift
		for slots[slot] != 0 {
			slot = (slot + 1) % uint64(len(slots))
		}
		slots[slot] = a
	}
	for i := range terms {
		put(terms[i].name, atom(i+1))
	}
	put("@context", atomContext)
	return slots
}()
