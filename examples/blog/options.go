package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"
)

// options are the flags.
type options struct {
	addr, origin, handle, posts, db string
	title, summary, comments        string
	allow                           []netip.Prefix
	deleteAfter                     time.Duration
	confirmDeletes                  bool
}

// url returns the address of a post, which is also its id for ever.
func (o *options) url(p post) string { return o.origin + "/posts/" + url.PathEscape(p.Slug) }

// host returns the domain in the blog's handle.
func (o *options) host() string {
	_, host, _ := strings.Cut(o.origin, "://")
	return host
}

// URL is url for templates.
func (o *options) URL(r *row) string { return o.url(r.post) }

// Name returns the title of the blog, for templates.
func (o *options) Name() string { return o.title }

// Summary returns what the blog is about, in HTML, for templates.
func (o *options) Summary() string { return o.summary }

// errUsage reports wrong flags, on which the flags have been explained.
var errUsage = errors.New("wrong flags")

// parseFlags reads the flags and sets up the log, both of which write to out.
func parseFlags(args []string, out io.Writer) (*options, error) {
	o := new(options)
	var level slog.Level
	f := flag.NewFlagSet("blog", flag.ContinueOnError)
	f.SetOutput(out)
	f.StringVar(&o.addr, "addr", "localhost:8080", "`host:port` to listen on")
	f.StringVar(&o.origin, "origin", "", "public `https://name[:port]` of the blog; it is in every id, so it cannot change (default http://localhost:port)")
	f.StringVar(&o.handle, "handle", "blog", "`name` by which others find the blog: @name@host")
	f.StringVar(&o.title, "title", "A Kith blog", "title of the blog")
	f.StringVar(&o.summary, "summary", "<p>A blog on the fediverse.</p>", "what the blog is about, in HTML")
	f.StringVar(&o.posts, "posts", defaultPosts(), "`folder` of Markdown files")
	f.StringVar(&o.db, "db", "blog.db", "SQLite `file`; it is the blog's identity: back it up")
	f.Func("allow", "private networks that may be reached, as `CIDR[,CIDR]`, for tests", o.parseAllow)
	f.DurationVar(&o.deleteAfter, "delete-after", 10*time.Minute, "how long a file must be missing before its post is deleted everywhere; 0 is at once")
	f.BoolVar(&o.confirmDeletes, "confirm-deletes", false, "delete even if many files are missing at once")
	f.StringVar(&o.comments, "comments", "hold", "replies under posts: `on|hold|off`; held ones wait for 'kith comments'")
	f.TextVar(&level, "log", slog.LevelInfo, "`level` of the log: debug, info, warn or error")
	if err := f.Parse(args); err != nil {
		return o, errors.Join(errUsage, err)
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: level})))
	return o, o.check(f)
}

// check judges what the flags say together.
func (o *options) check(f *flag.FlagSet) error {
	wrong := func(format string, args ...any) error {
		fmt.Fprintf(f.Output(), format+"\n", args...)
		return errUsage
	}
	host, port, err := net.SplitHostPort(o.addr)
	switch {
	case f.NArg() > 0:
		return wrong("unexpected argument %q", f.Arg(0))
	case err != nil || port == "":
		return wrong("-addr %q must be host:port", o.addr)
	case o.comments != "on" && o.comments != "hold" && o.comments != "off":
		return wrong("-comments %q must be on, hold or off", o.comments)
	case o.deleteAfter < 0:
		return wrong("-delete-after %s must not be negative", o.deleteAfter)
	}
	given := false
	f.Visit(func(f *flag.Flag) { given = given || f.Name == "origin" })
	switch ip, _ := netip.ParseAddr(host); {
	case o.origin != "":
	case given:
		return errors.New("-origin is empty: give the public address of the blog, such as https://blog.example")
	case ip.IsValid() && !ip.IsLoopback() && !ip.IsUnspecified():
		return fmt.Errorf("-origin is missing: on %s the blog needs its public address, such as https://blog.example", o.addr)
	}
	if u, err := url.Parse(o.origin); err == nil && u.Path == "/" { // as copied from an address bar
		o.origin = strings.TrimSuffix(o.origin, "/")
	}
	o.origin = strings.ToLower(o.origin)
	return nil
}

func (o *options) parseAllow(list string) error {
	if list == "" {
		return nil
	}
	for part := range strings.SplitSeq(list, ",") {
		prefix, err := netip.ParsePrefix(strings.TrimSpace(part))
		if err != nil {
			return errors.New("not a network such as 127.0.0.0/8")
		}
		o.allow = append(o.allow, prefix)
	}
	return nil
}

// defaultPosts is the folder of sample posts, from the root of the repository or from here.
func defaultPosts() string {
	for _, dir := range []string{"posts", "examples/blog/posts"} {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir
		}
	}
	return "posts"
}

// exit says what went wrong, in one sentence, and returns the code to exit with.
func exit(err error, out io.Writer) int {
	switch {
	case err == nil, errors.Is(err, http.ErrServerClosed), errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		return 2
	}
	fmt.Fprintln(out, "blog:", strings.ReplaceAll(err.Error(), "\n", "; "))
	return 1
}
