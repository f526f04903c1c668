// Command blog is a Markdown blog that people on the fediverse can find, follow, read and answer.
//
//	go run ./examples/blog
package main

import (
	"context"
	"database/sql"
	"os"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/content"
	"github.com/gokith/kith/fetch"
	"github.com/gokith/kith/social"
	"github.com/gokith/kith/sqlite"
	"github.com/gokith/kith/storage"
)

func main() {
	opts, err := parseFlags(os.Args[1:], os.Stderr)
	if err == nil {
		err = run(opts)
	}
	os.Exit(exit(err, os.Stderr))
}

func run(opts *options) error {
	ctx, stop := signals()
	defer stop()
	listener, err := listen(opts)
	if err != nil {
		return err
	}
	defer listener.Close()
	store, err := sqlite.Open(opts.db)
	if err != nil {
		return err
	}
	defer store.Close()
	site, err := newSite(ctx, opts, store.DB())
	if err != nil {
		return err
	}

	// federation
	srv, err := kith.New(ctx, kith.Config{
		Origin: opts.origin, Store: store, ObjectURLs: []string{"/posts/{slug}"}, Allow: fetch.InsecureAllow{Prefixes: opts.allow},
		Software: kith.Software{Name: "kith-blog", Version: kith.Version, Homepage: opts.origin},
		Actors: []kith.Actor{{Key: "blog", Handle: opts.handle, Profile: &as.Person{
			Name: as.Plain(opts.title), Summary: as.HTML(opts.summary), URL: as.IRIs(as.IRI(opts.origin + "/")), Published: as.At(site.born),
		}}},
		ReplyPolicy: func(context.Context, social.ReplyRequest) (social.Decision, error) {
			return map[string]social.Decision{"on": social.Accept, "hold": social.Hold, "off": social.Reject}[opts.comments], nil
		},
	})
	if err != nil {
		return err
	}
	opts.origin = srv.Names().Origin.String() // in its canonical form
	site.publish = func(ctx context.Context, tx *sql.Tx, p post) error {
		_, err := srv.PublishTx(ctx, store.Tx(tx), "blog", kith.Public(), article(opts, p))
		return err
	}
	site.update = func(ctx context.Context, tx *sql.Tx, p post) error {
		_, err := srv.Update(storage.NewContext(ctx, store.Tx(tx)), "blog", article(opts, p))
		return err
	}
	site.remove = func(ctx context.Context, tx *sql.Tx, p post) error {
		_, err := srv.Delete(storage.NewContext(ctx, store.Tx(tx)), "blog", as.IRI(opts.url(p)))
		return err
	}
	site.discuss = func(ctx context.Context, p post) (d discussion, err error) {
		for c, err := range srv.Social().Replies(ctx, as.IRI(opts.url(p)), false) {
			if err != nil {
				return d, err
			}
			d.Comments = append(d.Comments, comment{c.By.Name, c.By.Handle(), c.By.URL, c.URL, c.Language, content.Sanitize(c.Content), c.Published, c.Depth, c.Edited})
		}
		counts, err := srv.Social().Count(ctx, as.IRI(opts.url(p)))
		d.Likes, d.Boosts = counts.Likes, counts.Boosts
		return d, err
	}
	site.actor = string(srv.Names().ActorID("blog"))
	// end

	return serve(ctx, opts, listener, srv.Handler(site), site.watch, srv.Run)
}

// article makes the ActivityStreams object of a post: an Article, or a Note if it has no title.
func article(opts *options, p post) as.Node {
	o := as.Object{
		ID: as.IRI(opts.url(p)), URL: as.IRIs(as.IRI(opts.url(p))), Published: as.At(p.Date), MediaType: "text/html",
		Content: as.HTML(p.HTML).WithMap(map[string]string{p.Lang: p.HTML}),
	}
	if !p.Edited.IsZero() {
		o.Updated = as.At(p.Edited)
	}
	if p.Title == "" {
		return (*as.Note)(&o)
	}
	o.Name = as.Plain(p.Title)
	return (*as.Article)(&o)
}
