package fetch

import (
	"context"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/origin"
)

// capability hands on what an actor's document says of its server: an application by itself, others by
// the generator that they embed (FEP-844e).
func (c *Client) capability(ctx context.Context, doc *Document) {
	if c.cfg.OnCapability == nil {
		return
	}
	said := implements(doc.Node)
	if profile, ok := as.ActorOf(doc.Node); ok {
		for _, ref := range profile.Generator {
			said = said.Or(implements(ref.Node()))
		}
	}
	if o, err := origin.Of(doc.ID); err == nil && said != (httpsig.Capability{}) {
		c.cfg.OnCapability(ctx, o, said)
	}
}

// implements reads what an application lists.
func implements(n as.Node) httpsig.Capability {
	application, ok := n.(*as.Application)
	if !ok {
		return httpsig.Capability{}
	}
	var hrefs []string
	for _, ref := range application.Implements {
		href := ref.ID()
		if link, ok := ref.Node().(*as.Link); ok {
			href = link.Href
		}
		hrefs = append(hrefs, string(href))
	}
	return httpsig.CapabilityOf(hrefs...)
}
