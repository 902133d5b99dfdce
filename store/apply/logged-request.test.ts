import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8, WireReader } from "../../base/wire.ts";
import { type InternalRaftRequestParts, internalRaftRequest, txnRequest } from "../../proto/etcd.ts";
import {
  decodeLoggedRequest,
  encodeLoggedRequest,
  loggedId,
  loggedRequest,
  type RequestKind,
} from "./logged-request.ts";

const requests = fc.constantFrom<InternalRaftRequestParts>(
  { put: { key: utf8("k"), value: utf8("v"), lease: 7n } },
  { put: {} },
  { range: { key: utf8("k"), limit: 3 } },
  { deleteRange: { key: utf8("k") } },
  { txn: { success: [{ requestPut: { key: utf8("k") } }] } },
  { compaction: { revision: 9 } },
  { leaseGrant: { id: 5n, ttl: 10 } },
  { leaseRevoke: { id: 5n } },
  { leaseCheckpoint: { checkpoints: [{ id: 5n, remainingTtl: 3 }] } },
  { alarm: { action: "ACTIVATE", memberId: 3n } },
  { authEnable: {} },
  { authDisable: {} },
  { authenticate: { name: "u", simpleToken: "t" } },
  { authUserAdd: { name: "u", options: { noPassword: true } } },
  { authUserDelete: { name: "u" } },
  { authUserChangePassword: { name: "u", hashedPassword: "aGFzaA==" } },
  { authUserGrantRole: { user: "u", role: "r" } },
  { authUserRevokeRole: { name: "u", role: "r" } },
  { authRoleAdd: { name: "r" } },
  { authRoleDelete: { role: "r" } },
  { authRoleGrantPermission: { name: "r", perm: { permType: "WRITE", key: utf8("k") } } },
  { authRoleRevokePermission: { role: "r", key: utf8("k") } },
  { authStatus: {} },
  { authUserGet: { name: "u" } },
  { authUserList: {} },
  { authRoleGet: { role: "r" } },
  { authRoleList: {} },
  { clusterVersionSet: { ver: "3.6.0" } },
  { clusterMemberAttrSet: { memberId: 3n, memberAttributes: { name: "m" } } },
);
const id = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

/** By tag: the order of fields is free. */
function fieldsOf(data: Uint8Array): Readonly<Record<number, string>> {
  const reader = new WireReader(data);
  const fields: Record<number, string> = {};
  while (reader.position < reader.end) fields[reader.varint()] = Buffer.from(reader.bytes()).toString("hex");
  return fields;
}

describe("store/apply: LoggedRequest", () => {
  it("is what the table of InternalRaftRequest reads", () => {
    fc.assert(
      fc.property(requests, id, (request, id) => {
        const data = internalRaftRequest.encode({ ...request, header: { id } });
        const table = internalRaftRequest.decode(data);
        const read = decodeLoggedRequest(data);
        assert.ok(read !== undefined);
        assert.deepEqual(read.body, table[read.kind]);
        assert.deepEqual(Object.keys(request), [read.kind]);
        assert.equal(read.id, id);
        assert.equal(loggedId(data), id);
      }),
    );
  });

  it("tells who asked, as the table does", () => {
    const by = fc.record({ name: fc.string(), revision: fc.integer({ min: 1 }) }, { noNullPrototype: true });
    fc.assert(
      fc.property(requests, id, by, (request, id, by) => {
        const kind = Object.keys(request)[0] as RequestKind;
        const body = internalRaftRequest.fields[kind];
        const header = { id, username: by.name, authRevision: by.revision };
        const data = internalRaftRequest.encode({ ...request, header });
        assert.deepEqual(decodeLoggedRequest(data)?.by, by);
        assert.equal(loggedId(data), id);
        assert.ok(body?.json.kind === "message");
        const bytes = body.json.type().encode(request[kind] as object);
        assert.deepEqual(fieldsOf(encodeLoggedRequest(id, kind, bytes, Buffer.alloc, by)), fieldsOf(data));
      }),
    );
    assert.equal(
      decodeLoggedRequest(internalRaftRequest.encode({ header: { id: 300n }, put: {} }))?.by,
      undefined,
    );
    assert.equal(decodeLoggedRequest(internalRaftRequest.encode({ header: {}, put: {} }))?.by, undefined);
  });

  it("is what the table reads of one that comes in pieces", () => {
    const pieces = [
      { header: { id: 5n }, put: { key: utf8("k") } },
      { header: { username: "u" }, put: { value: utf8("v") } },
    ];
    const data = Buffer.concat(pieces.map((piece) => internalRaftRequest.encode(piece)));
    const table = internalRaftRequest.decode(data);
    assert.deepEqual(decodeLoggedRequest(data)?.body, table.put);
    assert.deepEqual([decodeLoggedRequest(data)?.id, loggedId(data)], [5n, 5n]);
  });

  it("is written as the table writes it, around a request's own bytes", () => {
    const body = fc.uint8Array({ maxLength: 300 });
    const kind = fc.constantFrom("put", "txn", "compaction", "clusterVersionSet");
    const positive = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n });
    fc.assert(
      fc.property(kind, body, positive, (kind, body, id) => {
        const written = encodeLoggedRequest(id, kind, body, Buffer.allocUnsafe);
        const table = internalRaftRequest.encode({ [kind]: body, header: { id } });
        assert.deepEqual(loggedId(written), id);
        assert.deepEqual(fieldsOf(written), fieldsOf(table));
      }),
    );
  });

  it("is read once, wherever the entry goes", () => {
    const data = internalRaftRequest.encode({ header: { id: 1n }, put: { key: utf8("k") } });
    const entry = { term: 1, index: 1, type: "normal", data } as const;
    assert.equal(loggedRequest(entry), loggedRequest(entry));
  });

  it("is nothing where no kind is known, and of several kinds the first by rank", () => {
    assert.equal(decodeLoggedRequest(internalRaftRequest.encode({ header: { id: 1n } })), undefined);
    assert.equal(decodeLoggedRequest(Uint8Array.of(0xfa, 0x7f, 1, 0)), undefined); // a field of a later version
    const both = internalRaftRequest.encode({ txn: {}, put: { key: utf8("k") } });
    assert.equal(decodeLoggedRequest(both)?.kind, "put");
    assert.equal(decodeLoggedRequest(internalRaftRequest.encode({ range: {}, txn: {} }))?.kind, "txn");
  });

  it("can be read wherever a client's own call can be, down to the deepest transaction", () => {
    let deepest = txnRequest.encode({});
    for (let level = 0; level < 50; level++)
      deepest = txnRequest.encode({ success: [{ requestTxn: deepest }] });
    assert.ok(txnRequest.decode(deepest).success[0]?.requestTxn !== undefined);
    assert.throws(() => txnRequest.decode(txnRequest.encode({ success: [{ requestTxn: deepest }] })));
    const read = decodeLoggedRequest(internalRaftRequest.encode({ header: { id: 1n }, txn: deepest }));
    assert.equal(read?.kind, "txn");
  });
});
