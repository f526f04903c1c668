package main

import "github.com/gokith/kith/httpsig"

// advice says what to do about a refusal, to whoever looks after one of the two servers.
func advice(code string) string {
	switch code {
	case httpsig.CodeUnsigned:
		return "The sender does not sign, or a proxy takes the Signature field away."
	case httpsig.CodeMalformed, httpsig.CodeDuplicate:
		return "The sender writes the field wrongly: draft-cavage takes name=\"value\" pairs between commas, RFC 9421 structured fields."
	case httpsig.CodeTooLarge:
		return "The sender covers or writes more than anybody needs."
	case httpsig.CodeHeaderRepeated:
		return "Sender or proxy sends the field twice: two readers would take two different ones."
	case httpsig.CodeHeaderInvalid:
		return "The sender puts line ends or NUL into a field."
	case httpsig.CodeHeaderMissing:
		return "A proxy took the field away, or the sender signs one that it does not send."
	case httpsig.CodeMisdirected:
		return "The request is for another server; or this one's origin is configured wrongly."
	case httpsig.CodeComponent:
		return "The sender covers something, or adds a parameter, that nobody can check here: leave it out."
	case httpsig.CodeCoverage:
		return "The sender must sign more: what is not signed can be exchanged by anybody in between."
	case httpsig.CodeDate:
		return "Date must read like Sun, 06 Nov 1994 08:49:37 GMT."
	case httpsig.CodeCreated:
		return "The sender must say when it signed: created in RFC 9421, Date in draft-cavage."
	case httpsig.CodeExpired:
		return "The sender's clock is slow, ours is fast, or the request was signed long before it was sent: sign each attempt anew."
	case httpsig.CodeFuture:
		return "The sender's clock is fast, or ours is slow: set them by NTP."
	case httpsig.CodeExpires:
		return "The sender lets the signature end before it was made."
	case httpsig.CodeDigestMalformed:
		return "Digest reads SHA-256=…, Content-Digest sha-256=:…:, with padded base64 of the raw 32 bytes."
	case httpsig.CodeDigestWeak:
		return "The sender must use SHA-256 (or SHA-512)."
	case httpsig.CodeDigestMismatch:
		return "The body is not the one that was hashed: hash the very bytes that are sent, verify the very bytes that came."
	case httpsig.CodeAlgorithm:
		return "The algorithm that the signature names must be the key's: leave it out, or write hs2019 in draft-cavage."
	case httpsig.CodeKeyID:
		return "The key id must be the address where the public key is found."
	case httpsig.CodeKeyUnknown:
		return "The key id's document must be readable for us and list exactly this key; its owner must list it too."
	case httpsig.CodeKeyGone:
		return "The actor that owned the key was deleted."
	case httpsig.CodeKeyUnavailable:
		return "The server with the key did not answer: the sender may try again."
	case httpsig.CodeKeyMismatch:
		return "The document lists the key under another id, or its owner lives elsewhere."
	case httpsig.CodeKeyWeak:
		return "The sender needs a new key: RSA of 2048 to 8192 bits, Ed25519 or P-256."
	case httpsig.CodeBlocked:
		return "The signer is blocked here: kith unblock lifts that."
	case httpsig.CodeMismatch:
		return "Another key signed, or something changed a covered field on the way: compare the fields above with what the sender signed (-base FILE). Behind a proxy, -origin names the public address."
	case httpsig.CodeSigners:
		return "The request bears two good signatures of two owners: it must be one's."
	case httpsig.CodeTag, httpsig.CodeNonce:
		return "The sender must repeat what Accept-Signature asks for."
	}
	return ""
}
