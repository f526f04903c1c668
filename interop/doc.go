// Package interop holds tests that run the blog example against servers by others, over TLS, with all
// signature checks on. It has nothing to import.
//
// The peer is a Fedify server of ours in folder peer; its packages and its Node come from npm with a
// lock file: run "npm ci" there once.
package interop
