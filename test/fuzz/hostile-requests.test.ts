import assert from "node:assert/strict";
import fc from "fast-check";
import { startTestApiserver, type TestApiserver } from "../../controlplane/apiserver/testing.ts";
import { configMap, configMaps } from "../../controlplane/apiserver/testing-objects.ts";
import { assertAnsweredWell } from "./answered-well.ts";
import { propertyMs, runs } from "./runs.ts";

interface Hostile {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly type: string;
  readonly accept: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | undefined;
}

const good = JSON.stringify(configMap("victim", { a: "b" }, { l: "v" }));
const text = fc.oneof(fc.string({ maxLength: 20 }), fc.string({ unit: "binary", maxLength: 20 }));

/** A good text with a piece cut out, doubled or replaced. */
const spoiledText = (whole: string) =>
  fc
    .tuple(
      fc.nat(whole.length),
      fc.nat(12),
      fc.oneof(fc.constantFrom("", "{", "[", '"', ",", "\\u", "null", "\0", "1e999"), text),
    )
    .map(([at, length, piece]) => whole.slice(0, at) + piece + whole.slice(at + length));

const operation = fc.record(
  {
    op: fc.constantFrom<unknown>("add", "remove", "replace", "copy", "move", "test", "x", 1),
    path: fc.oneof(
      fc.constantFrom("/data/a", "/metadata/labels/l", "/metadata", "", "/", "/data/~2", "/data/-"),
      text,
    ),
    from: fc.oneof(fc.constantFrom("/data", "/metadata"), text),
    value: fc.jsonValue({ maxDepth: 3 }),
  },
  { requiredKeys: [] },
);

const body = fc.oneof(
  fc.constant(undefined),
  spoiledText(good),
  fc.uint8Array({ maxLength: 200 }),
  fc.json(),
  fc.array(operation, { maxLength: 5 }).map((operations) => JSON.stringify(operations)),
  spoiledText("kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: victim\n  labels: &a {x: y}\ndata: *a\n"),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.concat([Buffer.from("k8s\0"), bytes])),
  fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.stringify({ ...configMap("victim"), metadata: value })),
);

const segment = fc.oneof(
  fc.constantFrom(
    "api",
    "apis",
    "v1",
    "apps",
    "namespaces",
    "default",
    "configmaps",
    "victim",
    "status",
    "pods",
    "nodes",
  ),
  fc.constantFrom(
    "..",
    ".",
    "",
    "%2e%2e",
    "%00",
    "%",
    "%zz",
    "%ff",
    "watch",
    "proxy",
    "exec",
    "deployments",
    "scale",
    "*",
  ),
  text.map(encodeURIComponentOrNothing),
);
const path = fc.oneof(
  fc.constantFrom(
    configMaps,
    `${configMaps}/victim`,
    `${configMaps}/victim/status`,
    "/api/v1/namespaces/default/pods/p/exec",
  ),
  fc.constantFrom(
    "/apis/apps/v1/deployments",
    "/api/v1/nodes",
    "/openapi/v3",
    "/version",
    "/readyz",
    "/metrics",
  ),
  fc.array(segment, { maxLength: 8 }).map((parts) => `/${parts.join("/")}`),
);

const selector = fc.oneof(
  fc.constantFrom(
    "a=b",
    "a in (b,c)",
    "a notin (",
    "!a",
    "a=b=c",
    ",,",
    "a>1",
    "metadata.name=x",
    "metadata.name!=x,",
    "spec.x=y",
  ),
  text,
);
const option = fc.oneof(
  fc.tuple(fc.constantFrom("labelSelector", "fieldSelector"), selector),
  fc.tuple(
    fc.constantFrom(
      "limit",
      "continue",
      "resourceVersion",
      "resourceVersionMatch",
      "timeoutSeconds",
      "fieldManager",
      "dryRun",
    ),
    fc.oneof(
      fc.constantFrom("0", "1", "-1", "99999999999999999999", "x", "", "NotOlderThan", "Exact", "All"),
      text,
    ),
  ),
  fc.tuple(
    fc.constantFrom(
      "pretty",
      "fieldValidation",
      "force",
      "gracePeriodSeconds",
      "propagationPolicy",
      "timeout",
    ),
    text,
  ),
);
const query = fc
  .array(option, { maxLength: 4 })
  .map((options) =>
    options.map(([name, value]) => `${name}=${encodeURIComponentOrNothing(value)}`).join("&"),
  );

const headerText = fc.string({ maxLength: 30 }).map((value) => value.replace(/[^\x20-\x7e]/g, "?"));
const mediaType = fc.oneof(
  fc.constantFrom("application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "*/*", ""),
  fc.constantFrom(
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
  ),
  fc.constantFrom(
    "application/apply-patch+yaml",
    "application/json;as=Table;v=v1;g=meta.k8s.io",
    "application/json;q=x",
  ),
  headerText,
);
const headers = fc.dictionary(
  fc.constantFrom(
    "authorization",
    "impersonate-user",
    "impersonate-group",
    "accept-encoding",
    "x-remote-user",
    "if-match",
    "range",
  ),
  fc.oneof(
    fc.constantFrom("Bearer x", "Bearer a.b.c", "Basic eDp5", "gzip", "bytes=0-1", "system:masters"),
    headerText,
  ),
  { maxKeys: 2 },
);

const hostile: fc.Arbitrary<Hostile> = fc.record({
  method: fc.constantFrom("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"),
  path,
  query,
  type: mediaType,
  accept: mediaType,
  headers,
  body,
});

function encodeURIComponentOrNothing(value: string): string {
  try {
    return encodeURIComponent(value);
  } catch {
    return ""; // half of a surrogate pair is no text
  }
}

/** Beyond this a watch would stay open, and collections would lose what others of these requests are about. */
const lasts = ({ method, path: asked, query: options }: Hostile) =>
  /watch|exec|attach|portforward|follow/.test(asked + options) ||
  (method === "DELETE" && !/victim/.test(asked));

describe("hostile requests", function () {
  this.timeout(propertyMs);
  let server: TestApiserver;
  before(async () => {
    server = await startTestApiserver();
  });
  after(() => server.stop());

  it("are answered with what is wrong, never with an internal error, and leave the server well", async () => {
    const known = new Set<number>();
    await fc.assert(
      fc.asyncProperty(hostile, async (one) => {
        fc.pre(!lasts(one));
        const { method, query: options, ...rest } = one;
        const answer = await server.admin.call(
          method,
          options === "" ? one.path : `${one.path}?${options}`,
          rest,
        );
        known.add(answer.code);
        if (method !== "HEAD") assertAnsweredWell(answer);
      }),
      runs(300),
    );
    assert.ok(known.has(400) && known.has(404) && known.has(415), `only ${[...known]} were answered`);
    assert.equal((await server.admin.call("GET", "/livez")).text, "ok");
    assert.equal((await server.admin.call("POST", configMaps, { body: configMap("after") })).code, 201);
  });

  it("with wrong credentials are 401, or nobody's, whatever is in them", async () => {
    // No answer says this by chance.
    const mark = "-xq7Zk9";
    await fc.assert(
      fc.asyncProperty(headerText, headerText, async (scheme, token) => {
        const { code, body } = await server.stranger.call("GET", configMaps, {
          headers: { authorization: `${scheme} ${token}${mark}` },
        });
        assert.ok([401, 403].includes(code), String(code));
        assert.ok(!JSON.stringify(body).includes(mark), "the token comes back");
      }),
      runs(100),
    );
  });

  it("of 10 MB, or with 100,000 annotations, are refused by what they are too large for", async () => {
    const large = Buffer.from(JSON.stringify(configMap("large", { a: "x".repeat(10 * 1024 * 1024) })));
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => server.admin.call("POST", configMaps, { body: large })),
    );
    for (const { code, body: status } of answers) {
      assert.deepEqual([code, status.reason], [413, "RequestEntityTooLarge"]);
      assert.match(status.message, /^Request entity too large: limit is \d+$/);
    }
    const annotations = Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`a${at}`, "x"]));
    const many = await server.admin.call("POST", configMaps, {
      body: { ...configMap("many"), metadata: { name: "many", annotations } },
    });
    assert.equal(many.code, 422);
    assert.equal(
      many.body.message,
      'ConfigMap "many" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes',
    );
    assert.equal((await server.admin.call("GET", "/livez")).code, 200);
  });
});
