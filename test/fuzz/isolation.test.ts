import assert from "node:assert/strict";
import fc from "fast-check";
import {
  startTestApiserver,
  type TestApiserver,
  type TestClient,
} from "../../controlplane/apiserver/testing.ts";
import { propertyMs, runs } from "./runs.ts";

/** Stands in every value of every object that is not Ann's. */
const secret = "bytesofanother";

const kinds: readonly (readonly [string, object])[] = [
  ["/api/v1/NS/configmaps", { kind: "ConfigMap", data: { k: secret } }],
  ["/api/v1/NS/secrets", { kind: "Secret", stringData: { k: secret } }],
  ["/api/v1/NS/serviceaccounts", { kind: "ServiceAccount" }],
  ["/api/v1/NS/services", { kind: "Service", spec: { ports: [{ port: 80 }], selector: { a: secret } } }],
  ["/api/v1/NS/pods", { kind: "Pod", spec: { containers: [{ name: "c", image: secret }] } }],
  [
    "/api/v1/NS/events",
    { kind: "Event", message: secret, reason: secret, involvedObject: { kind: "Pod", name: "obj" } },
  ],
  ["/apis/apps/v1/NS/deployments", deployment()],
  ["/apis/coordination.k8s.io/v1/NS/leases", { kind: "Lease", spec: { holderIdentity: secret } }],
  ["/apis/things.example.com/v1/NS/things", { kind: "Thing", spec: { text: secret } }],
];

function deployment(): object {
  const labels = { a: secret };
  const template = { metadata: { labels }, spec: { containers: [{ name: "c", image: secret }] } };
  return { kind: "Deployment", spec: { replicas: 1, selector: { matchLabels: labels }, template } };
}

const things = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "things.things.example.com" },
  spec: {
    group: "things.example.com",
    scope: "Namespaced",
    names: { plural: "things", kind: "Thing" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
        additionalPrinterColumns: [{ name: "Text", type: "string", jsonPath: ".spec.text" }],
      },
    ],
  },
};

const at = (path: string, namespace: string) =>
  path.replace("/NS/", namespace === "" ? "/" : `/namespaces/${namespace}/`);

/** Ann has all rights in `mine`, and none in `theirs`. */
describe("what is another's", function () {
  this.timeout(propertyMs);
  let server: TestApiserver;
  let ann: TestClient;
  before(async () => {
    server = await startTestApiserver();
    ann = await server.clientFor("ann");
    const make = async (path: string, body: object) => {
      const { code, text } = await server.admin.call("POST", path, { body });
      assert.equal(code, 201, text);
    };
    for (const name of ["mine", "theirs"]) await make("/api/v1/namespaces", { metadata: { name } });
    await make("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", things);
    const rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/mine";
    await make(`${rbac}/roles`, {
      metadata: { name: "all" },
      rules: [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }],
    });
    await make(`${rbac}/rolebindings`, {
      metadata: { name: "all" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "all" },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "ann" }],
    });
    for (const [path, fields] of kinds)
      for (const namespace of ["mine", "theirs"])
        for (const name of ["obj", "other"]) {
          const owned =
            namespace === "theirs" ? fields : JSON.parse(JSON.stringify(fields).replaceAll(secret, "anns"));
          const marked = namespace === "theirs" ? { labels: { l: secret }, annotations: { a: secret } } : {};
          const involvedObject = "involvedObject" in owned && {
            involvedObject: { ...owned.involvedObject, namespace },
          };
          await served(async () => {
            const body = { ...owned, ...involvedObject, metadata: { name, ...marked } };
            return server.admin.call("POST", at(path, namespace), { body });
          });
        }
  });
  after(() => server.stop());

  const path = fc.constantFrom(...kinds.map(([one]) => one));
  const place = fc.constantFrom(
    "mine",
    "theirs",
    "",
    "mine/../theirs",
    "mine%2f..%2ftheirs",
    "th%65irs",
    "none",
  );
  const name = fc.constantFrom(
    "",
    "/obj",
    "/obj/status",
    "/none",
    "/obj/log",
    "/obj/scale",
    "/..%2f..%2ftheirs%2fobj",
    "/obj/exec",
  );
  const accept = fc.constantFrom(
    ...["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"],
    ...[
      "application/json;as=Table;v=v1;g=meta.k8s.io",
      "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
    ],
  );
  const query = fc.constantFrom(
    ...[
      "",
      "limit=1",
      "fieldSelector=metadata.namespace%3Dtheirs",
      "fieldSelector=metadata.name%3Dobj",
      "labelSelector=l",
    ],
    ...[
      "watch=true&timeoutSeconds=1",
      "watch=true&timeoutSeconds=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true",
    ],
    ...["resourceVersion=0", "dryRun=All", "fieldManager=a&force=true", "includeObject=Object"],
  );
  const request = fc.record({
    verb: fc.constantFrom(
      ...["GET", "GET", "GET", "POST", "PUT", "DELETE"],
      ...["merge-patch+json", "json-patch+json", "strategic-merge-patch+json", "apply-patch+yaml"],
    ),
    path,
    place,
    name,
    accept,
    query,
    namespaceInBody: fc.constantFrom("mine", "theirs", undefined),
  });

  it("never comes in an answer, in whichever verb, form or error", async () => {
    const codes = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(request, async ({ verb, ...one }) => {
        const asked = `${at(one.path, one.place)}${one.name}?${one.query}`;
        const patches = verb.includes("patch");
        const method = patches ? "PATCH" : verb;
        // What would take Ann's own objects away, so that less would be tried.
        fc.pre(method !== "DELETE" || one.place !== "mine");
        const object = {
          metadata: { name: "obj", ...(one.namespaceInBody && { namespace: one.namespaceInBody }) },
        };
        const operations = [
          { op: "test", path: "/data/k", value: "x" },
          { op: "copy", from: "/metadata", path: "/data" },
        ];
        const { code, text, headers } = await ann.call(method, asked, {
          accept: one.accept,
          ...(method !== "GET" && { body: verb === "json-patch+json" ? operations : object }),
          ...(patches && { type: `application/${verb}` }),
        });
        codes.set(code, (codes.get(code) ?? 0) + 1);
        holdsNothing(`${method} ${asked}`, text + JSON.stringify(headers));
      }),
      runs(300),
    );
    assert.ok((codes.get(200) ?? 0) > 0 && (codes.get(403) ?? 0) > 0, JSON.stringify([...codes]));
  });

  it("cannot be reached by continue tokens, however they are changed", async () => {
    const changed = fc.tuple(
      path,
      fc.constantFrom(
        "../theirs/",
        "/../theirs/\0",
        "theirs/",
        "\0",
        "/registry/",
        "mine/../../theirs/obj",
        "..%2ftheirs",
      ),
      fc.boolean(),
    );
    await fc.assert(
      fc.asyncProperty(changed, async ([one, start, keeps]) => {
        const { body } = await ann.call("GET", `${at(one, "mine")}?limit=1`);
        const token = Buffer.from(body.metadata.continue, "base64").toString();
        const forged = token.replace(
          /"start":"([^"]*)"/,
          (_, own) => `"start":${JSON.stringify(keeps ? own + start : start)}`,
        );
        assert.notEqual(forged, token);
        const asked = `${at(one, "mine")}?limit=500&continue=${encodeURIComponent(Buffer.from(forged).toString("base64url"))}`;
        holdsNothing(asked, (await ann.call("GET", asked)).text);
        const elsewhere = `${at(one, "")}?continue=${encodeURIComponent(body.metadata.continue)}`;
        assert.equal((await ann.call("GET", elsewhere)).code, 403);
      }),
      runs(40),
    );
  });

  it("is not told by watches of one's own namespace while it changes", async () => {
    const [watch, ...more] = await Promise.all(
      kinds
        .map(([one]) => ann.call("GET", `${at(one, "mine")}?watch=true&timeoutSeconds=3`))
        .concat(
          kinds.map(([one]) =>
            server.admin.call("PATCH", `${at(one, "theirs")}/obj`, {
              body: { metadata: { annotations: { again: secret } } },
              type: "application/merge-patch+json",
            }),
          ),
        ),
    );
    assert.equal(watch?.code, 200);
    for (const { text } of more.slice(0, kinds.length - 1)) holdsNothing("a watch", text);
    for (const { code } of more.slice(kinds.length)) assert.equal(code, 200);
  });
});

function holdsNothing(asked: string, answered: string): void {
  assert.ok(!answered.includes(secret), `${asked} shows another's: ${answered.slice(0, 2000)}`);
  assert.ok(!answered.includes(Buffer.from(secret).toString("base64")), `${asked} shows another's secret`);
}

/** A definition is served within a moment. */
async function served(make: () => Promise<{ readonly code: number; readonly text: string }>): Promise<void> {
  for (;;) {
    const { code, text } = await make();
    if (code === 201) return;
    assert.equal(code, 404, text);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
