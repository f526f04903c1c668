// Package content makes HTML that is safe to show out of what strangers send, and HTML that is fit to
// send out of Markdown. It is a module of its own: the core never parses HTML.
//
// Design: bluemonday for the allow-list, a well-kept sanitiser on Go's own HTML parser (BSD-3-Clause),
// and goldmark for CommonMark (MIT, no dependencies). The lists of elements, attributes and classes
// are those that the fediverse's servers keep, so that what is shown here looks like elsewhere.
package content
