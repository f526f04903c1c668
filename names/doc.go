// Package names builds and recognises the URLs of our own actors, inboxes, collections, activities
// and objects. It is the one home of the URL layout, shared by everything that mints ids, serves
// them or meets them in a message.
//
// Three names of an actor are kept apart: the app's key, which never changes and from which ids are
// built; the handle, which WebFinger answers and which may change; and the profile URL, which is the
// app's. Objects may have any URL on the origin, such as the blog post's own page.
//
// Design: ids are ASCII with upper-case escapes, so that they compare as strings. No dependency
// outside of this module.
package names
