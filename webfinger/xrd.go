package webfinger

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"github.com/gokith/kith/origin"
)

var errDoctype = errors.New("webfinger: an XRD with a document type is refused")

// ParseXRD reads a descriptor in XRD 1.0, the XML that came before JRD and that host-meta still uses.
// Namespaces are ignored, since servers differ in them. A document type declaration is refused, so
// there are no entities to expand.
func ParseXRD(doc []byte) (*JRD, error) {
	d := xml.NewDecoder(bytes.NewReader(doc))
	d.Strict = true
	j, depth, root := &JRD{}, 0, false
	var in *string // where character data goes
	for {
		token, err := d.Token()
		if err == io.EOF && root && depth == 0 {
			return j, nil
		}
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.Directive: // check: I-37
			return nil, errDoctype
		case xml.StartElement:
			depth++
			if depth == 1 {
				if root = t.Name.Local == "XRD"; !root {
					return nil, errors.New("webfinger: the root element is not XRD")
				}
			}
			in = j.element(t, depth)
		case xml.EndElement:
			depth--
			in = nil
		case xml.CharData:
			if in != nil && len(*in) < origin.MaxIRI {
				*in = strings.TrimSpace(*in + string(t))
			}
		}
	}
}

// element takes in the start of an element and returns where its text belongs.
func (j *JRD) element(e xml.StartElement, depth int) *string {
	if depth != 2 {
		return nil
	}
	switch e.Name.Local {
	case "Subject":
		return &j.Subject
	case "Alias":
		j.Aliases = append(j.Aliases, "")
		return &j.Aliases[len(j.Aliases)-1]
	case "Link":
		var l Link
		for _, a := range e.Attr {
			switch a.Name.Local {
			case "rel":
				l.Rel = a.Value
			case "type":
				l.Type = a.Value
			case "href":
				l.Href = a.Value
			case "template":
				l.Template = a.Value
			}
		}
		if l.Rel != "" {
			j.Links = append(j.Links, l)
		}
	}
	return nil
}

// xrd writes a descriptor as XRD 1.0; titles and properties have no place in what we write.
func (j *JRD) xrd() []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header + `<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0">` + "\n")
	for _, l := range j.Links {
		b.WriteString("  <Link")
		for _, a := range [][2]string{{"rel", l.Rel}, {"type", l.Type}, {"href", l.Href}, {"template", l.Template}} {
			if a[1] == "" {
				continue
			}
			b.WriteString(" " + a[0] + `="`)
			_ = xml.EscapeText(&b, []byte(a[1])) // a buffer takes everything
			b.WriteString(`"`)
		}
		b.WriteString("/>\n")
	}
	b.WriteString("</XRD>\n")
	return b.Bytes()
}
