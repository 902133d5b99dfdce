import "reflect-metadata";
import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { issuingConfig, newSigningKey } from "./authentication/testing.ts";
import { startTestApiserver, type TestApiserver, type TestClient } from "./testing.ts";

/** What a node's certificate can do, asked as its holder would: over HTTPS. `n1` is ours, `n2` another's. */
describe("what a node may do", () => {
  let api: TestApiserver;
  let node: TestClient;
  const pods = "/api/v1/namespaces/default/pods";
  const leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
  const merge = "application/merge-patch+json";

  const make = async (path: string, body: object) => {
    const answer = await api.admin.call("POST", path, { body });
    assert.equal(answer.code, 201, answer.text);
    return answer.body;
  };
  const bound = (name: string, nodeName: string, spec: object = {}) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: { app: name } },
    spec: { nodeName, containers: [{ name: "c", image: "i" }], ...spec },
  });
  const lease = (name: string) => ({
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name },
    spec: { holderIdentity: name },
  });

  before(async () => {
    const authentication = issuingConfig(newSigningKey().pem);
    api = await startTestApiserver({ config: { authentication } });
    node = await api.clientFor("system:node:n1", ["system:nodes"]);
    for (const name of ["n1", "n2"])
      await make("/api/v1/nodes", { apiVersion: "v1", kind: "Node", metadata: { name } });
    const secret = (name: string) => ({ apiVersion: "v1", kind: "Secret", metadata: { name } });
    for (const name of ["mine", "pull", "theirs"])
      await make("/api/v1/namespaces/default/secrets", secret(name));
    for (const name of ["mine", "theirs"])
      await make("/api/v1/namespaces/default/configmaps", {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name },
      });
    for (const [name, nodeName] of [
      ["mine", "n1"],
      ["theirs", "n2"],
    ] as const)
      await make(
        pods,
        bound(name, nodeName, {
          volumes: [
            { name: "s", secret: { secretName: name } },
            { name: "p", projected: { sources: [{ configMap: { name } }] } },
          ],
          imagePullSecrets: name === "mine" ? [{ name: "pull" }] : [],
        }),
      );
    for (const name of ["n1", "n2"]) await make(leases, lease(name));
  });
  after(() => api.stop());

  describe("reading", () => {
    const secrets = "/api/v1/namespaces/default/secrets";
    const maps = "/api/v1/namespaces/default/configmaps";
    const cases: [path: string, code: number, why?: string][] = [
      [`${secrets}/mine`, 200],
      [`${secrets}/pull`, 200],
      [`${secrets}?fieldSelector=metadata.name%3Dmine`, 200],
      [`${secrets}/theirs`, 403, "no relationship found between node 'n1' and this object"],
      [`${secrets}/absent`, 403],
      [`${secrets}?fieldSelector=metadata.name%3Dtheirs`, 403],
      [`${secrets}?fieldSelector=metadata.name%21%3Dmine`, 403, "No Object name found"],
      [secrets, 403, "No Object name found"],
      ["/api/v1/secrets", 403, "can only read namespaced object of this type"],
      [`/api/v1/namespaces/other/secrets/mine`, 403],
      [`${maps}/mine`, 200],
      [`${maps}/theirs`, 403],
      [maps, 403],
      [`${pods}/mine`, 200],
      [`${pods}/theirs`, 403],
      [pods, 403, "can only list/watch pods with spec.nodeName field selector"],
      ["/api/v1/pods?fieldSelector=spec.nodeName%3Dn1", 200],
      ["/api/v1/pods?fieldSelector=spec.nodeName%3Dn2", 403],
      ["/api/v1/pods?fieldSelector=spec.nodeName%21%3Dn2", 403],
      // An escaped comma: one term about the name, none about the node.
      ["/api/v1/pods?fieldSelector=metadata.name%21%3Dx%5C%2Cspec.nodeName%3Dn1", 403],
      ["/api/v1/pods", 403],
      ["/api/v1/nodes/n1", 200],
      ["/api/v1/nodes/n2", 403, "node 'n1' cannot read 'n2', only its own Node object"],
      ["/api/v1/services", 200],
      ["/api/v1/namespaces", 403],
      ["/apis/apps/v1/deployments", 403],
      [`${leases}/n1`, 200],
      [`${leases}/n2`, 403, "can only access node lease with the same name as the requesting node"],
      [leases, 403, "can only get, create, update, patch, or delete a node lease"],
    ];
    for (const [path, code, why] of cases)
      it(`${code === 200 ? "may" : "may not"} GET ${path}`, async () => {
        const answer = await node.call("GET", path);
        assert.equal(answer.code, code, answer.text);
        if (why !== undefined) assert.match(answer.body.message, new RegExp(`: ${escaped(why)}$`));
      });

    it("may read a secret as soon as a pod that needs it is bound, and no longer than such a pod is there", async () => {
      await make(secrets, { apiVersion: "v1", kind: "Secret", metadata: { name: "later" } });
      assert.equal((await node.call("GET", `${secrets}/later`)).code, 403);
      const env = [{ name: "A", valueFrom: { secretKeyRef: { name: "later", key: "k" } } }];
      await make(pods, bound("later", "n1", { containers: [{ name: "c", image: "i", env }] }));
      assert.equal((await node.call("GET", `${secrets}/later`)).code, 200);
      await api.admin.call("DELETE", `${pods}/later?gracePeriodSeconds=0`);
      const after = await api.admin.call("GET", pods);
      assert.deepEqual(
        after.body.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name),
        ["mine", "theirs"],
      );
      assert.equal((await node.call("GET", `${secrets}/later`)).code, 403);
    });

    it("a node's name without its group, and the group without a node's name, are nobody", async () => {
      const alone = await api.clientFor("system:node:n1");
      const grouped = await api.clientFor("n1", ["system:nodes"]);
      for (const client of [alone, grouped])
        assert.equal((await client.call("GET", `${secrets}/mine`)).code, 403);
    });

    it("a review says what a request would", async () => {
      const ask = async (name: string) => {
        const spec = {
          user: "system:node:n1",
          groups: ["system:nodes"],
          resourceAttributes: { verb: "get", resource: "secrets", namespace: "default", name },
        };
        const kind = { apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview" };
        const path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
        return (await api.admin.call("POST", path, { body: { ...kind, spec } })).body.status.allowed;
      };
      assert.deepEqual([await ask("mine"), await ask("theirs")], [true, false]);
    });
  });

  describe("writing Nodes and Leases", () => {
    const patchNode = (name: string, body: object, subresource = "") =>
      node.call("PATCH", `/api/v1/nodes/${name}${subresource}`, { body, type: merge });
    const refusal = async (answer: { readonly code: number; readonly text: string }, why: string) => {
      assert.equal(answer.code, 403, answer.text);
      assert.ok(JSON.parse(answer.text).message.endsWith(why), answer.text);
    };

    it("may label its own Node where that draws nothing to it", async () => {
      const fine = { "topology.kubernetes.io/zone": "z", "node.kubernetes.io/x": "y", mine: "1" };
      assert.equal((await patchNode("n1", { metadata: { labels: fine } })).code, 200);
      await refusal(
        await patchNode("n1", { metadata: { labels: { "node-restriction.kubernetes.io/a": "1" } } }),
        "is not allowed to modify labels: node-restriction.kubernetes.io/a",
      );
      await refusal(
        await patchNode("n1", { metadata: { labels: { "node-role.kubernetes.io/control-plane": "" } } }),
        "is not allowed to modify labels: node-role.kubernetes.io/control-plane",
      );
    });

    it("may report its own status, not another's", async () => {
      const status = { status: { phase: "Running" } };
      assert.equal((await patchNode("n1", status, "/status")).code, 200);
      assert.equal((await patchNode("n2", status, "/status")).code, 403);
    });

    it("may not sneak labels or taints in with its status", async () => {
      const labels = { "node-restriction.kubernetes.io/a": "1" };
      await refusal(
        await patchNode("n1", { metadata: { labels } }, "/status"),
        "is not allowed to modify labels: node-restriction.kubernetes.io/a",
      );
    });

    it("may not set its taints, owners, pod addresses", async () => {
      const taints = [{ key: "a", effect: "NoSchedule" }];
      await refusal(await patchNode("n1", { spec: { taints } }), 'node "n1" is not allowed to modify taints');
      const ownerReferences = [{ apiVersion: "v1", kind: "Pod", name: "x", uid: "u" }];
      await refusal(
        await patchNode("n1", { metadata: { ownerReferences } }),
        'node "n1" is not allowed to modify ownerReferences',
      );
      await refusal(
        await patchNode("n1", { spec: { podCIDR: "10.0.0.0/8", podCIDRs: ["10.0.0.0/8"] } }),
        'node "n1" is not allowed to set spec.podCIDR',
      );
    });

    it("may register itself only, without labels and addresses that are not its to choose", async () => {
      const register = (name: string, more: { labels?: object; spec?: object } = {}) => {
        const { labels, spec } = more;
        const body = { apiVersion: "v1", kind: "Node", metadata: { name, ...(labels && { labels }) }, spec };
        return node.call("POST", "/api/v1/nodes", { body });
      };
      await refusal(await register("n3"), 'node "n1" is not allowed to modify node "n3"');
      await refusal(
        await register("n1", { labels: { "node-role.kubernetes.io/x": "" } }),
        'node "n1" is not allowed to set the following labels: node-role.kubernetes.io/x',
      );
      await refusal(
        await register("n1", { spec: { podCIDR: "10.0.0.0/8" } }),
        'node "n1" is not allowed to set spec.podCIDR',
      );
      assert.equal((await register("n1")).code, 409, "what it may do fails only because it is there");
    });

    it("may not delete a Node", async () => {
      for (const name of ["n1", "n2"])
        assert.equal((await node.call("DELETE", `/api/v1/nodes/${name}`)).code, 403);
    });

    it("may write its own Lease only", async () => {
      assert.equal((await node.call("POST", leases, { body: lease("n1") })).code, 409);
      await refusal(
        await node.call("POST", leases, { body: lease("n3") }),
        "can only access node lease with the same name as the requesting node",
      );
      const elsewhere = leases.replace("kube-node-lease", "default");
      assert.equal((await node.call("POST", elsewhere, { body: lease("n1") })).code, 403);
      const renewed = { spec: { holderIdentity: "n1" } };
      const renew = (name: string) => node.call("PATCH", `${leases}/${name}`, { body: renewed, type: merge });
      assert.deepEqual([(await renew("n1")).code, (await renew("n2")).code], [200, 403]);
    });
  });

  describe("writing what else is of a node", () => {
    const refused = async (
      answer: Promise<{ readonly code: number; readonly text: string }>,
      why: RegExp,
    ) => {
      const { code, text } = await answer;
      assert.equal(code, 403, text);
      assert.match(JSON.parse(text).message, why);
    };

    it("may register its own CSINode, not another's", async () => {
      const path = "/apis/storage.k8s.io/v1/csinodes";
      const body = (name: string) => ({ metadata: { name }, spec: { drivers: [] } });
      assert.equal((await node.call("POST", path, { body: body("n1") })).code, 201);
      const why = /can only access CSINode with the same name as the requesting node$/;
      await refused(node.call("POST", path, { body: body("n2") }), why);
      await make(path, body("n3"));
      await refused(node.call("DELETE", `${path}/n3`), why);
    });

    it("may ask for certificates that say its own name only, where they are for nodes", async () => {
      const path = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
      const ask = async (name: string, signer: string, subject: string) => {
        const request = Buffer.from(await certificateRequest(subject)).toString("base64");
        const usages = ["digital signature", signer.endsWith("serving") ? "server auth" : "client auth"];
        const spec = { request, signerName: `kubernetes.io/${signer}`, usages };
        return node.call("POST", path, { body: { metadata: { name }, spec } });
      };
      for (const signer of ["kubelet-serving", "kube-apiserver-client-kubelet"]) {
        const own = await ask(`own-${signer}`, signer, "CN=system:node:n1,O=system:nodes");
        assert.equal(own.code, 201, own.text);
        await refused(
          ask(`other-${signer}`, signer, "CN=system:node:n2,O=system:nodes"),
          /can only create a node CSR with CN=system:node:n1$/,
        );
      }
      assert.equal((await ask("elsewhere", "kube-apiserver-client", "CN=anybody")).code, 201);
    });

    it("may say of its pods' claims how large they are and why not larger, and nothing else", async () => {
      const path = "/api/v1/namespaces/default/persistentvolumeclaims";
      const resources = { requests: { storage: "1Gi" } };
      await make(path, { metadata: { name: "c" }, spec: { accessModes: ["ReadWriteOnce"], resources } });
      const volumes = [{ name: "v", persistentVolumeClaim: { claimName: "c" } }];
      await make(pods, bound("claims", "n1", { volumes }));
      const say = (body: object) => node.call("PATCH", `${path}/c/status`, { body, type: merge });
      const conditions = [{ type: "FileSystemResizePending", status: "True" }];
      const fine = await say({ status: { capacity: { storage: "1Gi" }, conditions } });
      assert.equal(fine.code, 200, fine.text);
      await refused(
        say({ status: { phase: "Bound" } }),
        /node "n1" is not allowed to update fields other than status.quantity and status.conditions: /,
      );
    });
  });

  describe("writing pods", () => {
    const message = async (method: string, path: string, options: object = {}) => {
      const answer = await node.call(method, path, options);
      assert.equal(answer.code, 403, answer.text);
      return answer.body.message as string;
    };
    const mirror = async (more: { metadata?: object; spec?: object; owner?: object } = {}) => {
      const { uid } = (await api.admin.call("GET", "/api/v1/nodes/n1")).body.metadata;
      const owner = { apiVersion: "v1", kind: "Node", name: "n1", uid, controller: true, ...more.owner };
      const metadata = {
        name: "static",
        annotations: { "kubernetes.io/config.mirror": "x" },
        ownerReferences: [owner],
        ...more.metadata,
      };
      return { ...bound("static", "n1", more.spec), metadata };
    };

    it("may create mirror pods of its own, and those only", async () => {
      const refused = async (body: object) => message("POST", pods, { body });
      assert.match(await refused(bound("x", "n1")), /node "n1" can only create mirror pods$/);
      assert.match(
        await refused(await mirror({ spec: { nodeName: "n2" } })),
        /node "n1" can only create pods with spec.nodeName set to itself$/,
      );
      assert.match(
        await refused(await mirror({ metadata: { ownerReferences: [] } })),
        /node "n1" can only create pods with an owner reference set to itself$/,
      );
      assert.match(await refused(await mirror({ owner: { name: "n2" } })), /owner reference set to itself$/);
      assert.match(
        await refused(await mirror({ owner: { controller: false } })),
        /can only create pods with a controller owner reference set to itself$/,
      );
      assert.match(await refused(await mirror({ owner: { uid: "u" } })), /UID mismatch: expected u got /);
      assert.equal((await node.call("POST", pods, { body: await mirror() })).code, 201);
      assert.equal((await node.call("DELETE", `${pods}/static?gracePeriodSeconds=0`)).code, 200);
    });

    const volume = (source: object) => ({ volumes: [{ name: "v", ...source }] });
    const reach: [what: string, spec: object][] = [
      ["serviceaccounts", { serviceAccountName: "default" }],
      ["secrets", volume({ secret: { secretName: "theirs" } })],
      ["configmaps", volume({ configMap: { name: "theirs" } })],
      ["persistentvolumeclaims", volume({ persistentVolumeClaim: { claimName: "theirs" } })],
      ["serviceaccounts", volume({ projected: { sources: [{ serviceAccountToken: { path: "token" } }] } })],
    ];
    for (const [what, spec] of reach)
      it(`may not reach ${what} by a mirror pod with ${JSON.stringify(spec)}`, async () => {
        const body = await mirror({ spec });
        assert.match(
          await message("POST", pods, { body }),
          new RegExp(`node "n1" can not create pods that reference ${what}`),
        );
      });

    it("may delete and evict the pods bound to it, not others'", async () => {
      await make(pods, bound("doomed", "n1"));
      assert.equal((await node.call("DELETE", `${pods}/doomed?gracePeriodSeconds=0`)).code, 200);
      assert.match(
        await message("DELETE", `${pods}/theirs`),
        /node "n1" can only delete pods with spec.nodeName set to itself$/,
      );
      assert.equal((await node.call("DELETE", pods)).code, 403, "a collection is not one pod");
      const eviction = (name: string) => ({
        body: { apiVersion: "policy/v1", kind: "Eviction", metadata: { name } },
      });
      assert.match(
        await message("POST", `${pods}/theirs/eviction`, eviction("theirs")),
        /node n1 can only evict pods with spec.nodeName set to itself$/,
      );
      await make(pods, bound("evicted", "n1"));
      assert.equal((await node.call("POST", `${pods}/evicted/eviction`, eviction("evicted"))).code, 201);
    });

    it("may report the status of its pods, without changing labels, and of no others", async () => {
      const report = (name: string, body: object) =>
        ["PATCH", `${pods}/${name}/status`, { body, type: merge }] as const;
      const running = { status: { phase: "Running" } };
      assert.equal((await node.call(...report("mine", running))).code, 200);
      assert.match(
        await message(...report("theirs", running)),
        /node "n1" can only update pod status for pods with spec.nodeName set to itself$/,
      );
      assert.match(
        await message(...report("mine", { metadata: { labels: { app: "other" } } })),
        /node "n1" cannot update labels through pod status$/,
      );
    });

    it("gets tokens for the accounts of its pods, bound to the pod and for an audience that it names", async () => {
      const accounts = "/api/v1/namespaces/default/serviceaccounts";
      for (const name of ["worker", "idle"]) await make(accounts, { metadata: { name } });
      const token = (audience?: string) => ({
        projected: {
          sources: [{ serviceAccountToken: { path: audience ?? "api", ...(audience && { audience }) } }],
        },
      });
      const spec = {
        serviceAccountName: "worker",
        volumes: [
          { name: "a", ...token() },
          { name: "b", ...token("vault") },
        ],
      };
      const { uid } = (await make(pods, bound("works", "n1", spec))).metadata;
      const far = (await make(pods, bound("far", "n2", spec))).metadata.uid;
      const ask = (asked: object, account = "worker") =>
        ["POST", `${accounts}/${account}/token`, { body: { spec: asked } }] as const;
      const to = (name: string, podUid?: string) => ({
        boundObjectRef: { apiVersion: "v1", kind: "Pod", name, ...(podUid && { uid: podUid }) },
      });
      assert.equal((await node.call(...ask(to("works", uid)))).code, 201);
      assert.equal((await node.call(...ask({ ...to("works", uid), audiences: ["vault"] }))).code, 201);
      const refusals: [asked: object, why: RegExp, account?: string][] = [
        [{}, /node requested token not bound to a pod$/],
        [
          { boundObjectRef: { apiVersion: "v1", kind: "Node", name: "n1" } },
          /node requested token not bound to a pod$/,
        ],
        [to("works"), /node requested token with a pod binding without a uid$/],
        [to("works", "u"), /the UID in the bound object reference \(u\) does not match the UID in record/],
        [to("far", far), /node requested token bound to a pod scheduled on a different node$/],
        [{ ...to("works", uid), audiences: ["a", "b"] }, /node may only request 0 or 1 audiences$/],
        [
          { ...to("works", uid), audiences: ["db"] },
          /audience "db" not found in pod spec volume, system:node:n1 is not authorized to request tokens for this audience$/,
        ],
        [to("works", uid), /no relationship found between node 'n1' and this object$/, "idle"],
      ];
      for (const [asked, why, account] of refusals) assert.match(await message(...ask(asked, account)), why);
    });

    it("may not bind, change or enter pods", async () => {
      const body = {
        apiVersion: "v1",
        kind: "Binding",
        metadata: { name: "x" },
        target: { kind: "Node", name: "n1" },
      };
      await message("POST", `${pods}/x/binding`, { body });
      await message("PATCH", `${pods}/mine`, { body: { metadata: { labels: { a: "b" } } }, type: merge });
      await message("GET", `${pods}/mine/log`);
      await message("POST", `${pods}/mine/exec?command=id`);
    });
  });
});

const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");

async function certificateRequest(subject: string): Promise<string> {
  const signingAlgorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await webcrypto.subtle.generateKey(signingAlgorithm, true, ["sign", "verify"]);
  const made = await x509.Pkcs10CertificateRequestGenerator.create({ name: subject, keys, signingAlgorithm });
  return made.toString("pem");
}
