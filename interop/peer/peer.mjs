// A Fedify server with one actor, driven over a control port by the interop tests. Signature checks
// are on. State lives in memory.
//
// Environment: PEER_PORT, PEER_CONTROL_PORT, PEER_CERT, PEER_KEY (PEM files), PEER_FIRST_KNOCK
// (optional: "rfc9421" or "draft-cavage-http-signatures-12"), PEER_STRICT (optional: "1" answers signed
// GETs of the actor and of notes only, and challenges what is posted for a nonce).

import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { Temporal } from "@js-temporal/polyfill";
import {
  createFederation,
  generateCryptoKeyPair,
  InProcessMessageQueue,
  MemoryKvStore,
} from "@fedify/fedify";
import {
  Accept,
  Activity,
  Announce,
  Create,
  Delete,
  Follow,
  isActor,
  Like,
  Note,
  Person,
  PUBLIC_COLLECTION,
  Reject,
  Tombstone,
  Undo,
  Update,
} from "@fedify/fedify/vocab";

const port = Number(process.env.PEER_PORT);
const origin = `https://localhost:${port}`;
const name = "fay";

const strict = process.env.PEER_STRICT === "1";

const federation = createFederation({
  kv: new MemoryKvStore(),
  queue: new InProcessMessageQueue(),
  allowPrivateAddress: true,
  firstKnock: process.env.PEER_FIRST_KNOCK || undefined,
  origin,
  inboxChallengePolicy: strict ? { enabled: true, requestNonce: true } : undefined,
});

// authorized is whether somebody proved who asks, if that is wanted.
async function authorized(ctx) {
  return !strict || (await ctx.getSignedKeyOwner()) != null;
}

const keyPairs = [
  await generateCryptoKeyPair("RSASSA-PKCS1-v1_5"),
  await generateCryptoKeyPair("Ed25519"),
];

const received = []; // { type, id, actor, json }
const requests = []; // { method, path, scheme, nonce, status }
const followers = new Map(); // actor id → actor
const notes = new Map(); // local id → { note, deleted }

federation
  .setActorDispatcher("/users/{identifier}", async (ctx, identifier) => {
    if (identifier !== name) return null;
    const pairs = await ctx.getActorKeyPairs(identifier);
    return new Person({
      id: ctx.getActorUri(identifier),
      preferredUsername: identifier,
      name: "Fay of Fedify",
      inbox: ctx.getInboxUri(identifier),
      outbox: ctx.getOutboxUri(identifier),
      followers: ctx.getFollowersUri(identifier),
      url: ctx.getActorUri(identifier),
      publicKey: pairs[0].cryptographicKey,
      assertionMethods: pairs.map((p) => p.multikey),
    });
  })
  .setKeyPairsDispatcher((_ctx, identifier) => identifier === name ? keyPairs : [])
  .authorize(authorized);

federation.setOutboxDispatcher("/users/{identifier}/outbox", () => ({ items: [] }));
federation.setFollowersDispatcher(
  "/users/{identifier}/followers",
  () => ({ items: [...followers.values()] }),
);
federation.setObjectDispatcher(Note, "/notes/{id}", (ctx, { id }) => {
  const entry = notes.get(ctx.getObjectUri(Note, { id }).href);
  return entry && !entry.deleted ? entry.note : null;
}).authorize(authorized);

async function record(activity) {
  received.push({
    type: activity.constructor.name,
    id: activity.id?.href ?? null,
    actor: activity.actorId?.href ?? null,
    object: activity.objectId?.href ?? null,
    json: await activity.toJsonLd(),
  });
}

federation
  .setInboxListeners("/users/{identifier}/inbox", "/inbox")
  .on(Follow, async (ctx, follow) => {
    await record(follow);
    const follower = await follow.getActor(ctx);
    if (!isActor(follower)) return;
    followers.set(follower.id.href, follower);
    await ctx.sendActivity({ identifier: name }, follower, new Accept({
      id: new URL(`${origin}/accepts/${crypto.randomUUID()}`),
      actor: ctx.getActorUri(name),
      object: follow,
    }));
  })
  .on(Undo, async (ctx, undo) => {
    await record(undo);
    const inner = await undo.getObject(ctx);
    if (inner instanceof Follow && undo.actorId) followers.delete(undo.actorId.href);
  })
  .on(Activity, (_ctx, activity) => record(activity))
  .onError((_ctx, error) => console.error("inbox:", error));

// What the tests ask for. Each command returns JSON.
const sent = new Map(); // id → activity, for Undo

function context() {
  return federation.createContext(new URL(origin), undefined);
}

async function deliver(ctx, recipient, activity) {
  sent.set(activity.id.href, activity);
  await ctx.sendActivity({ identifier: name }, recipient, activity, { immediate: true });
  return { id: activity.id.href };
}

async function actorAt(ctx, handle) {
  const actor = await ctx.lookupObject(handle);
  if (!isActor(actor)) throw new Error(`${handle} is no actor`);
  return actor;
}

function mint(kind) {
  return new URL(`${origin}/${kind}/${crypto.randomUUID()}`);
}

const commands = {
  async lookup({ handle }) {
    const ctx = context();
    const object = await ctx.lookupObject(handle);
    return object ? { json: await object.toJsonLd() } : { json: null };
  },
  async follow({ handle }) {
    const ctx = context();
    const target = await actorAt(ctx, handle);
    return deliver(ctx, target, new Follow({
      id: mint("follows"),
      actor: ctx.getActorUri(name),
      object: target.id,
    }));
  },
  async note({ handle, content, inReplyTo }) {
    const ctx = context();
    const target = await actorAt(ctx, handle);
    const id = crypto.randomUUID();
    const note = new Note({
      id: ctx.getObjectUri(Note, { id }),
      attribution: ctx.getActorUri(name),
      content,
      replyTarget: inReplyTo ? new URL(inReplyTo) : null,
      published: Temporal.Now.instant(),
      to: PUBLIC_COLLECTION,
      cc: target.id,
    });
    notes.set(note.id.href, { note, deleted: false });
    await deliver(ctx, target, new Create({
      id: mint("creates"),
      actor: ctx.getActorUri(name),
      object: note,
      to: PUBLIC_COLLECTION,
      cc: target.id,
    }));
    return { id: note.id.href };
  },
  async edit({ handle, id, content }) {
    const ctx = context();
    const target = await actorAt(ctx, handle);
    const entry = notes.get(id);
    entry.note = entry.note.clone({ content, updated: Temporal.Now.instant() });
    return deliver(ctx, target, new Update({
      id: mint("updates"),
      actor: ctx.getActorUri(name),
      object: entry.note,
      to: PUBLIC_COLLECTION,
    }));
  },
  async remove({ handle, id }) {
    const ctx = context();
    const target = await actorAt(ctx, handle);
    notes.get(id).deleted = true;
    return deliver(ctx, target, new Delete({
      id: mint("deletes"),
      actor: ctx.getActorUri(name),
      object: new Tombstone({ id: new URL(id) }),
      to: PUBLIC_COLLECTION,
    }));
  },
  async like({ handle, id }) {
    const ctx = context();
    const target = await actorAt(ctx, handle);
    return deliver(ctx, target, new Like({
      id: mint("likes"),
      actor: ctx.getActorUri(name),
      object: new URL(id),
    }));
  },
  async announce({ handle, id }) {
    const ctx = context();
    const target = await actorAt(ctx, handle);
    return deliver(ctx, target, new Announce({
      id: mint("announces"),
      actor: ctx.getActorUri(name),
      object: new URL(id),
      to: PUBLIC_COLLECTION,
    }));
  },
  async undo({ handle, id }) {
    const ctx = context();
    const target = await actorAt(ctx, handle);
    return deliver(ctx, target, new Undo({
      id: mint("undos"),
      actor: ctx.getActorUri(name),
      object: sent.get(id),
    }));
  },
  async state() {
    return { received, requests, followers: [...followers.keys()] };
  },
};

async function readAll(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

// The public side: Node's request as a web Request on the public origin.
https.createServer(
  { cert: readFileSync(process.env.PEER_CERT), key: readFileSync(process.env.PEER_KEY) },
  async (req, res) => {
    const headers = new Headers();
    for (let i = 0; i < req.rawHeaders.length; i += 2) {
      headers.append(req.rawHeaders[i], req.rawHeaders[i + 1]);
    }
    const body = req.method === "GET" || req.method === "HEAD" ? undefined : await readAll(req);
    const request = new Request(origin + req.url, { method: req.method, headers, body });
    const response = await federation.fetch(request, {
      contextData: undefined,
      onNotFound: () => {
        const entry = notes.get(origin + req.url);
        return new Response(null, { status: entry?.deleted ? 410 : 404 });
      },
    });
    const input = headers.get("signature-input");
    requests.push({
      method: req.method,
      path: req.url,
      scheme: input ? "rfc9421" : headers.has("signature") ? "cavage" : "",
      nonce: input?.includes("nonce=") ?? false,
      status: response.status,
    });
    res.writeHead(response.status, Object.fromEntries(response.headers));
    res.end(Buffer.from(await response.arrayBuffer()));
  },
).listen(port, "127.0.0.1");

// The control side.
http.createServer(async (req, res) => {
  res.setHeader("Content-Type", "application/json");
  try {
    const command = commands[req.url.slice(1)];
    if (!command) throw new Error(`no command ${req.url}`);
    const body = (await readAll(req)).toString() || "{}";
    res.end(JSON.stringify(await command(JSON.parse(body))));
  } catch (error) {
    res.statusCode = 500;
    res.end(JSON.stringify({ error: String(error?.stack ?? error) }));
  }
}).listen(Number(process.env.PEER_CONTROL_PORT), "127.0.0.1", () => console.log("ready"));
