import assert from "node:assert/strict";
import { ApiError } from "../api-error.ts";
import type { Stored } from "../object-cache.ts";
import { resources } from "../resources.ts";
import type { Ref, Resource } from "../types.ts";
import type { Facts } from "./facts.ts";
import { gather, type Reader } from "./gather.ts";

const refusal = (code: number, reason: string) => new ApiError(code, { code, reason, message: reason });

/** Answers from what it has; what it does not know is not there. */
function readerOf(
  objects: Readonly<Record<string, Stored | Error>>,
  lists: Readonly<Record<string, readonly Stored[] | Error>> = {},
) {
  const asked: string[] = [];
  const reader: Reader = {
    client: {
      get: async <T>({ plural }: Resource<T>, { name }: Ref) => {
        asked.push(`${plural}/${name}`);
        const found = objects[`${plural}/${name}`];
        if (found instanceof Error) throw found;
        if (found === undefined) throw refusal(404, "NotFound");
        return found as T;
      },
      list: async <T>({ plural }: Resource<T>, { limit = 0, continue: from = "0" } = {}) => {
        asked.push(`${plural} from ${from}`);
        const found = lists[plural] ?? [];
        if (found instanceof Error) throw found;
        const at = Number(from);
        const more = at + limit < found.length;
        return {
          items: found.slice(at, at + limit) as unknown as T[],
          metadata: { resourceVersion: "1", ...(more && { continue: String(at + limit) }) },
        };
      },
    },
    logs: async function* () {
      yield new TextEncoder().encode("one\ntwo\n");
    },
  };
  return { reader, asked };
}

const object = (name: string, namespace?: string): Stored =>
  ({
    metadata: {
      name,
      uid: name,
      resourceVersion: "1",
      creationTimestamp: "",
      ...(namespace && { namespace }),
    },
  }) as Stored;

const { signal } = new AbortController();
const run = <T>(reader: Reader, analyse: (facts: Facts) => T) =>
  gather(reader, analyse, { nowMs: 0, signal });

describe("client/why: reading what an analysis wants", () => {
  it("reads each thing once, as the analysis comes to want it", async () => {
    const { reader, asked } = readerOf({
      "services/web": object("web", "shop"),
      "pods/web": object("web", "shop"),
    });
    const { result, unread } = await run(reader, (facts) => {
      const service = facts.find(resources.services, { name: "web", namespace: "shop" });
      if (!service) return service;
      return [
        facts.find(resources.pods, { name: service.metadata.name ?? "", namespace: "shop" })?.metadata.name,
        facts.find(resources.pods, { name: "none", namespace: "shop" }),
      ];
    });
    assert.deepEqual([result, unread], [["web", null], []]);
    assert.deepEqual(asked, ["services/web", "pods/web", "pods/none"]);
  });

  it("finds in a list what it has read as one, and looks no further where that is whole", async () => {
    const { reader, asked } = readerOf({}, { pods: [object("a", "shop"), object("b", "other")] });
    const { result } = await run(reader, (facts) => {
      const all = facts.list(resources.pods);
      if (all === undefined) return undefined;
      const find = (name: string) => facts.find(resources.pods, { name, namespace: "shop" });
      return [
        find("a")?.metadata.name,
        find("b"),
        facts.list(resources.pods, "shop")?.length,
        facts.list(resources.pods, "none")?.length,
      ];
    });
    assert.deepEqual(result, ["a", null, 1, 0]);
    assert.deepEqual(asked, ["pods from 0"]);
  });

  it("says what it may not read, and goes on; takes an unknown kind for none", async () => {
    const { reader } = readerOf(
      { "secrets/tls": refusal(403, "Forbidden") },
      { ingresses: refusal(404, "NotFound"), jobs: refusal(503, "ServiceUnavailable") },
    );
    const { result, unread } = await run(reader, (facts) => [
      facts.find(resources.secrets, { name: "tls", namespace: "shop" }),
      facts.list(resources.ingresses, "shop"),
      facts.list(resources.jobs, "shop"),
    ]);
    assert.deepEqual(result, [undefined, [], undefined]);
    assert.deepEqual(unread, ["secrets tls in shop: forbidden", "jobs in shop: ServiceUnavailable"]);
  });

  it("reads pages, and no more rounds than it may", async () => {
    const many = Array.from({ length: 2500 }, (_, at) => object(`p${at}`, "shop"));
    const { reader, asked } = readerOf({}, { pods: many });
    const { result } = await run(reader, (facts) => facts.list(resources.pods, "shop")?.length);
    assert.deepEqual([result, asked.length], [2500, 3]);
    let rounds = 0;
    const { unread } = await run(reader, (facts) =>
      facts.find(resources.pods, { name: `new-${rounds++}`, namespace: "shop" }),
    );
    assert.equal(rounds, 11);
    assert.match(unread.join(), /too many to look at/);
  });

  it("ends where it is told to, and where nobody answers", async () => {
    const { reader } = readerOf({ "pods/a": new Error("socket hang up") });
    await assert.rejects(
      run(reader, (facts) => facts.find(resources.pods, { name: "a", namespace: "shop" })),
      /hang up/,
    );
    const ended = AbortSignal.abort(new Error("enough"));
    await assert.rejects(
      gather(reader, (facts) => facts.find(resources.pods, { name: "a", namespace: "shop" }), {
        nowMs: 0,
        signal: ended,
      }),
      /enough/,
    );
  });
});
