// Package base58 writes bytes in the base58btc alphabet, as multikeys and document proofs have them.
package base58

import "strings"

// alphabet is Bitcoin's: no 0, O, I or l.
const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// Encode writes bytes as a number of base 58, with a "1" for each leading zero byte. Its work
// grows with the square of the length; keys are short.
func Encode(data []byte) string {
	zeros := 0
	for zeros < len(data) && data[zeros] == 0 {
		zeros++
	}
	digits := make([]byte, 0, len(data)*138/100+1) // least significant first
	for _, b := range data[zeros:] {
		carry := int(b)
		for i := range digits {
			carry += int(digits[i]) << 8
			digits[i] = byte(carry % 58)
			carry /= 58
		}
		for ; carry > 0; carry /= 58 {
			digits = append(digits, byte(carry%58))
		}
	}
	var b strings.Builder
	b.WriteString(strings.Repeat("1", zeros))
	for i := len(digits) - 1; i >= 0; i-- {
		b.WriteByte(alphabet[digits[i]])
	}
	return b.String()
}

// Decode is the inverse of Encode. Callers bound the length.
func Decode(text string) ([]byte, bool) {
	zeros := 0
	for zeros < len(text) && text[zeros] == '1' {
		zeros++
	}
	number := make([]byte, 0, len(text)) // least significant first
	for i := zeros; i < len(text); i++ {
		carry := strings.IndexByte(alphabet, text[i])
		if carry < 0 {
			return nil, false
		}
		for j := range number {
			carry += int(number[j]) * 58
			number[j] = byte(carry)
			carry >>= 8
		}
		for ; carry > 0; carry >>= 8 {
			number = append(number, byte(carry))
		}
	}
	data := make([]byte, zeros+len(number))
	for i, b := range number {
		data[len(data)-1-i] = b
	}
	return data, true
}
