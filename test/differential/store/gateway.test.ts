import assert from "node:assert/strict";
import { Prng } from "../../../base/os/random.ts";
import { assertAlike, besideEach, both, rounds, type Side, seed } from "./beside.ts";
import { askByHttp, type HttpTold } from "./http-client.ts";
import { oddBodies, refusedBodies, spelled } from "./json-spelling.ts";
import { methodOf, StoreRequests } from "./requests.ts";

const requestsCount = 300 * rounds;
const paths = {
  range: "/v3/kv/range",
  put: "/v3/kv/put",
  deleteRange: "/v3/kv/deleterange",
  txn: "/v3/kv/txn",
  compact: "/v3/kv/compaction",
  leaseGrant: "/v3/lease/grant",
  leaseRevoke: "/v3/lease/revoke",
  leaseTimeToLive: "/v3/lease/timetolive",
  leaseLeases: "/v3/lease/leases",
  hashKv: "/v3/maintenance/hashkv",
} as const;
type Path = keyof typeof paths;

// 3.4 has an older gateway, which reads and writes otherwise.
besideEach({ what: "the JSON gateway", versions: ["3.7"] }, (pair) => {
  it(`${requestsCount} requests, spelled in many ways`, async () => {
    const random = new Prng(seed);
    const requests = new StoreRequests(random, 0.05);
    const before: object[] = [];
    let revision = 1;
    for (let at = 0; at < requestsCount; at++) {
      const asked = requests.next(revision);
      const body = JSON.stringify(spelled(random, methodOf(asked).request, asked.request));
      const path = paths[asked.method as Path];
      before.push({ path, body });
      const told = await both(pair(), ({ endpoint }) => askByHttp(endpoint + path, body));
      assertAlike(comparable(path, body, settled(told)), before.slice(-7));
      revision = revisionIn(told.own) ?? revision;
    }
  });

  for (const path of ["/v3/kv/range", "/v3/kv/txn", "/v3/kv/put", "/v3/lease/timetolive", "/v3/nowhere"])
    it(`bodies that are no message, or only just, at ${path}`, async () => {
      for (const body of oddBodies) {
        const told = await both(pair(), ({ endpoint }) => askByHttp(endpoint + path, body));
        assertAlike(settled(told), [{ path, body }]);
      }
    });

  it("bodies of which etcd takes a part, and ours none", async () => {
    for (const body of refusedBodies) {
      const { own, theirs } = await both(pair(), ({ endpoint }) =>
        askByHttp(`${endpoint}/v3/kv/range`, body),
      );
      assert.deepEqual([own.status, (own.body as Body).code, theirs.status], [400, 3, 200], body);
    }
  });

  it("methods other than POST", async () => {
    for (const method of ["GET", "PUT", "DELETE", "PATCH"]) {
      const body = method === "GET" ? undefined : "{}";
      const ask = ({ endpoint }: Side) => askByHttp(`${endpoint}/v3/kv/range`, body, {}, method);
      const { own, theirs } = await both(pair(), ask);
      assert.deepEqual([own.status, theirs.status], [405, 501], method); // docs/reference/differences.md
      assertAlike(settled({ own: { ...own, status: 0 }, theirs: { ...theirs, status: 0 } }), [{ method }]);
    }
  });
});

interface Told {
  readonly own: HttpTold;
  readonly theirs: HttpTold;
}

/** Ours without the member that an older gateway names a refusal by, and both without the words that a parser of JSON has for
 *  a text that is no message: etcd's are Go's. */
function settled({ own, theirs }: Told): Settled {
  const { error, ...body } = (own.body ?? {}) as Body;
  const { code, message = "" } = (theirs.body ?? {}) as Body;
  const isByOlder = typeof error === "string" && error === body.message;
  if (code === 3 && !message.startsWith("etcdserver: ") && body.code === 3)
    return { own: own.status, theirs: theirs.status };
  return { own: isByOlder ? { ...own, body } : own, theirs };
}

interface Settled {
  readonly own: unknown;
  readonly theirs: unknown;
}
interface Body {
  readonly error?: unknown;
  readonly code?: number;
  readonly message?: string;
}

/** As in `version-differences.ts`: 3.7 tells no lease of a key whose value is not asked for; both do not count down in step, and
 *  the keys of a lease have no order. */
function comparable(path: string, body: string, told: Settled): Settled {
  const isKeysOnly = /"keys_?only":true/i.test(body);
  return JSON.parse(JSON.stringify(told), (name, value) => {
    if (name === "lease" && isKeysOnly) return undefined;
    if (path !== paths.leaseTimeToLive) return value;
    if (name === "TTL") return Math.sign(value);
    return name === "keys" ? value.toSorted() : value;
  });
}

function revisionIn({ body }: HttpTold): number | undefined {
  const { header } = (body ?? {}) as { header?: { revision?: string } };
  return header?.revision === undefined ? undefined : Number(header.revision);
}
