package activitystreams

import (
	"encoding/binary"
	"math/bits"
)

// An atom is the number of a name of the vocabulary: its place in terms, from 1. It is 0 for other
// names, and atomContext for "@context". Each member name is looked up once, when it is scanned.
type atom uint16

const atomContext atom = 0xffff

// A nameKey is a name of up to 16 bytes, or the ends of a longer one.
type nameKey struct {
	first, last uint64
	len         int
}

func keyOf(b []byte) (k nameKey) {
	k.len = len(b)
	switch n := len(b); {
	case n >= 8:
		k.first, k.last = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[n-8:])
	case n >= 4:
		k.first = uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint32(b[n-4:]))<<32
	case n > 0:
		k.first = uint64(b[0]) | uint64(b[n/2])<<8 | uint64(b[n-1])<<16
	}
	return k
}

func (k nameKey) hash() uint64 {
	const odd = 0x9e3779b97f4a7c15
	return uint64(k.len)*odd ^ bits.RotateLeft64(k.first*odd, 29) ^ k.last*odd
}

// atomOf returns the atom of a name.
func atomOf(name string) atom {
	key := keyOf([]byte(name))
	return atomByKey(key.hash(), key, name)
}

// atomByKey returns the atom of a name whose key and hash are known.
func atomByKey[B ~[]byte | ~string](hash uint64, key nameKey, name B) atom {
	for at := hash >> atomShift; ; at = (at + 1) % uint64(len(atomSlots)) {
		slot := &atomSlots[at]
		if slot.atom == 0 || slot.key == key && (key.len <= 16 || slot.atom.name() == string(name)) {
			return slot.atom
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

// An atomSlot is a place of the table of atoms; its atom is 0 if it is free.
type atomSlot struct {
	key  nameKey
	atom atom
}

// atomSlots is an open hash table of the terms, a third full.
var atomSlots = func() (slots [1 << (64 - atomShift)]atomSlot) {
	put := func(name string, a atom) {
		key := keyOf([]byte(name))
		at := key.hash() >> atomShift
		for slots[at].atom != 0 {
			at = (at + 1) % uint64(len(slots))
		}
		slots[at] = atomSlot{key, a}
	}
	for i := range terms {
		put(terms[i].name, atom(i+1))
	}
	put("@context", atomContext)
	return slots
}()
