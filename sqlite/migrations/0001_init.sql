-- Points in time are microseconds since 1970, 0 when unset. Lists of ids are JSON.
CREATE TABLE kith_meta (
	name  TEXT PRIMARY KEY,
	value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE kith_actors (
	key     TEXT PRIMARY KEY,
	handle  TEXT NOT NULL,
	aliases TEXT NOT NULL DEFAULT '',
	id      TEXT NOT NULL UNIQUE,
	state   TEXT NOT NULL,
	profile BLOB,
	created INTEGER NOT NULL,
	updated INTEGER NOT NULL
);

-- Every name an actor answers to, folded: handles and aliases share one space.
CREATE TABLE kith_names (
	name  TEXT PRIMARY KEY,
	actor TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX kith_names_actor ON kith_names (actor);

CREATE TABLE kith_keys (
	id        TEXT PRIMARY KEY,
	actor     TEXT NOT NULL,
	algorithm TEXT NOT NULL,
	secret    BLOB,
	public    BLOB,
	created   INTEGER NOT NULL,
	retired   INTEGER NOT NULL
);
CREATE INDEX kith_keys_actor ON kith_keys (actor);
CREATE UNIQUE INDEX kith_keys_in_use ON kith_keys (actor, algorithm) WHERE retired = 0;

CREATE TABLE kith_objects (
	id        TEXT PRIMARY KEY,
	type      TEXT NOT NULL,
	owner     TEXT NOT NULL,
	local     INTEGER NOT NULL,
	document  BLOB,
	audience  TEXT NOT NULL,
	parent    TEXT NOT NULL,
	digest    TEXT NOT NULL,
	published INTEGER NOT NULL,
	updated   INTEGER NOT NULL,
	deleted   INTEGER NOT NULL
);
CREATE INDEX kith_objects_owner ON kith_objects (owner, id);
CREATE INDEX kith_objects_parent ON kith_objects (parent, id) WHERE parent <> '';

CREATE TABLE kith_edges (
	identity       BLOB PRIMARY KEY, -- hash of kind, subject and object
	kind           TEXT NOT NULL,
	subject        TEXT NOT NULL,
	object         TEXT NOT NULL,
	activity       TEXT NOT NULL,
	state          TEXT NOT NULL,
	inbox          TEXT NOT NULL,
	shared_inbox   TEXT NOT NULL,
	content        TEXT NOT NULL,
	time           INTEGER NOT NULL,
	subject_origin TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX kith_edges_object ON kith_edges (kind, object, state, time);
CREATE INDEX kith_edges_subject ON kith_edges (kind, subject, state, time);
CREATE INDEX kith_edges_origin ON kith_edges (kind, object, subject_origin);
CREATE INDEX kith_edges_activity ON kith_edges (activity) WHERE activity <> '';

CREATE TABLE kith_receipts (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	identity   BLOB NOT NULL UNIQUE, -- hash of activity, actor and scope
	activity   TEXT NOT NULL,
	actor      TEXT NOT NULL,
	scope      TEXT NOT NULL,
	signer     TEXT NOT NULL,
	key_id     TEXT NOT NULL,
	proven     TEXT NOT NULL,
	budget     INTEGER NOT NULL,
	state      TEXT NOT NULL,
	attempts   INTEGER NOT NULL,
	reason     TEXT NOT NULL,
	received   INTEGER NOT NULL,
	finished   INTEGER NOT NULL,
	next       INTEGER NOT NULL,
	body       BLOB,
	normalized BLOB
);
CREATE INDEX kith_receipts_pending ON kith_receipts (received, id) WHERE state = 'pending';
CREATE INDEX kith_receipts_finished ON kith_receipts (finished) WHERE state <> 'pending';
CREATE INDEX kith_receipts_dead ON kith_receipts (received, id) WHERE state = 'dead';

CREATE TABLE kith_posts (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	sender     TEXT NOT NULL,
	activity   TEXT NOT NULL UNIQUE,
	verb       TEXT NOT NULL,
	chain      TEXT NOT NULL,
	lane       INTEGER NOT NULL, -- sender and chain as one number
	to_ids     TEXT NOT NULL,
	inboxes    TEXT NOT NULL,
	cursor     TEXT NOT NULL,
	fanned_out INTEGER NOT NULL,
	canceled   INTEGER NOT NULL,
	created    INTEGER NOT NULL,
	payload    BLOB
);
CREATE INDEX kith_posts_chain ON kith_posts (chain);
CREATE INDEX kith_posts_unfinished ON kith_posts (id) WHERE fanned_out = 0 AND canceled = 0;

CREATE TABLE kith_deliveries (
	id        INTEGER PRIMARY KEY AUTOINCREMENT,
	post      INTEGER NOT NULL,
	lane      INTEGER NOT NULL,
	inbox     TEXT NOT NULL,
	host      TEXT NOT NULL,
	recipient TEXT NOT NULL,
	state     TEXT NOT NULL,
	attempts  INTEGER NOT NULL,
	next      INTEGER NOT NULL,
	status    INTEGER NOT NULL,
	code      TEXT NOT NULL,
	excerpt   TEXT NOT NULL,
	token     INTEGER NOT NULL,
	leased    INTEGER NOT NULL,
	created   INTEGER NOT NULL,
	updated   INTEGER NOT NULL,
	UNIQUE (post, inbox)
);
CREATE INDEX kith_deliveries_host ON kith_deliveries (host, id) WHERE state = 'pending';
CREATE INDEX kith_deliveries_next ON kith_deliveries (host, next) WHERE state = 'pending';
CREATE INDEX kith_deliveries_concluded ON kith_deliveries (updated) WHERE state <> 'pending';
CREATE INDEX kith_deliveries_gave_up ON kith_deliveries (id) WHERE state = 'refused' OR state = 'expired';
CREATE INDEX kith_deliveries_gave_up_host ON kith_deliveries (host, id) WHERE state = 'refused' OR state = 'expired';

CREATE TABLE kith_hosts (
	origin        TEXT PRIMARY KEY,
	scheme        TEXT NOT NULL DEFAULT '',
	scheme_until  INTEGER NOT NULL DEFAULT 0,
	ed25519       INTEGER NOT NULL DEFAULT 0,
	failures      INTEGER NOT NULL DEFAULT 0,
	failing_since INTEGER NOT NULL DEFAULT 0,
	open_until    INTEGER NOT NULL DEFAULT 0,
	not_before    INTEGER NOT NULL DEFAULT 0,
	paused        INTEGER NOT NULL DEFAULT 0,
	last_success  INTEGER NOT NULL DEFAULT 0,
	last_inbound  INTEGER NOT NULL DEFAULT 0,
	updated       INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE kith_cache (
	key     TEXT PRIMARY KEY,
	value   BLOB,
	expires INTEGER NOT NULL
);
CREATE INDEX kith_cache_expires ON kith_cache (expires, key);

CREATE TABLE kith_locks (
	name    TEXT PRIMARY KEY,
	holder  TEXT NOT NULL,
	ttl     INTEGER NOT NULL,
	expires INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE kith_relay (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	kind    TEXT NOT NULL,
	key     TEXT NOT NULL,
	payload BLOB,
	run_at  INTEGER NOT NULL,
	attempt INTEGER NOT NULL
);

-- The queue. due is run_at while a job waits and the end of the lease while it runs, so that jobs of
-- dead processes come back by themselves.
CREATE TABLE kith_jobs (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	kind    TEXT NOT NULL,
	key     TEXT NOT NULL,
	payload BLOB,
	run_at  INTEGER NOT NULL,
	attempt INTEGER NOT NULL DEFAULT 0,
	running INTEGER NOT NULL DEFAULT 0,
	token   INTEGER NOT NULL DEFAULT 0,
	due     INTEGER NOT NULL
);
CREATE INDEX kith_jobs_due ON kith_jobs (kind, due);
CREATE UNIQUE INDEX kith_jobs_waiting ON kith_jobs (kind, key) WHERE running = 0 AND key <> '';
