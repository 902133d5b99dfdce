import assert from "node:assert/strict";
import { startTestApiserver, type TestApiserver, type TestClient } from "./testing.ts";

/** What a node's certificate can do, asked as its holder would: over HTTPS. `n1` is ours, `n2` another's. The rules that are
 *  Kubernetes', one by one: `testdata/answers/node-rules.json`. */
describe("what a node may do", () => {
  let api: TestApiserver;
  let node: TestClient;
  const pods = "/api/v1/namespaces/default/pods";
  const leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";

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
    api = await startTestApiserver();
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

    it("may see the leases of load balancers' addresses, one by one", async () => {
      const system = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";
      const codes = ["/pintle-load-balancer-10.9.0.1", "/kube-scheduler", ""].map(
        async (end) => (await node.call("GET", `${system}${end}`)).code,
      );
      assert.deepEqual(await Promise.all(codes), [404, 403, 403]);
    });

    it("may follow all pods and namespaces while there is a network policy, and no longer", async () => {
      const policies = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies";
      const others = "/api/v1/pods?fieldSelector=spec.nodeName%21%3Dn1%2Cspec.hostNetwork%3Dfalse";
      const codes = async () =>
        Promise.all(
          [
            "/apis/networking.k8s.io/v1/networkpolicies",
            others,
            "/api/v1/namespaces",
            `${pods}/theirs`,
            pods,
            "/api/v1/namespaces/default",
          ].map(async (path) => (await node.call("GET", path)).code),
        );
      assert.deepEqual(await codes(), [200, 403, 403, 403, 403, 403], "without a policy");
      await make(policies, {
        apiVersion: "networking.k8s.io/v1",
        kind: "NetworkPolicy",
        metadata: { name: "p" },
        spec: { podSelector: {} },
      });
      assert.deepEqual(await codes(), [200, 200, 200, 403, 403, 403], "with one");
      await api.admin.call("DELETE", `${policies}/p`);
      assert.deepEqual(await codes(), [200, 403, 403, 403, 403, 403], "without one again");
    });

    it("may follow all pods while there is a policy of the whole cluster, whose kind is defined while it runs", async () => {
      const group = "policy.networking.k8s.io";
      const [kind, plural] = ["ClusterNetworkPolicy", "clusternetworkpolicies"];
      const own = `/apis/${group}/v1beta1/${plural}`;
      const others = "/api/v1/pods?fieldSelector=spec.nodeName%21%3Dn1%2Cspec.hostNetwork%3Dfalse";
      const codes = async () =>
        Promise.all(
          [own, others, "/api/v1/namespaces"].map(async (path) => (await node.call("GET", path)).code),
        );
      assert.deepEqual(await codes(), [404, 403, 403], "without the kind");
      const definition = {
        apiVersion: "apiextensions.k8s.io/v1",
        kind: "CustomResourceDefinition",
        metadata: {
          name: `${plural}.${group}`,
          annotations: { "api-approved.kubernetes.io": "https://example.com/" },
        },
        spec: {
          group,
          scope: "Cluster",
          names: { kind, plural, singular: kind.toLowerCase() },
          versions: [
            {
              name: "v1beta1",
              served: true,
              storage: true,
              schema: {
                openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
              },
            },
          ],
        },
      };
      const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
      await make(definitions, definition);
      const served = async () => (await api.admin.call("GET", own)).code === 200;
      while (!(await served())) await new Promise((resolve) => setImmediate(resolve));
      assert.equal((await node.call("GET", `${definitions}/${plural}.${group}`)).code, 403);
      const named = `${definitions}?fieldSelector=metadata.name%3D${plural}.${group}`;
      assert.equal((await node.call("GET", named)).code, 200);
      assert.deepEqual(await codes(), [200, 403, 403], "without a policy");
      await make(own, { apiVersion: `${group}/v1beta1`, kind, metadata: { name: "p" }, spec: {} });
      assert.deepEqual(await codes(), [200, 200, 200], "with one");
      assert.equal((await node.call("DELETE", `${own}/p`)).code, 403);
      await api.admin.call("DELETE", `${own}/p`);
      assert.deepEqual(await codes(), [200, 403, 403], "without one again");
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

    it("may read the certificates of Ingresses that nodes answer for, unless it is kept out", async () => {
      const group = "/apis/networking.k8s.io/v1";
      for (const name of ["certificate", "of-another"])
        await make("/api/v1/namespaces/default/secrets", {
          apiVersion: "v1",
          kind: "Secret",
          metadata: { name },
        });
      const classes = { ours: "pintle.dev/ingress", another: "example.com/ingress" };
      const ingress = (name: string, ingressClassName: string) => ({
        apiVersion: "networking.k8s.io/v1",
        kind: "Ingress",
        metadata: { name },
        spec: {
          ingressClassName,
          tls: [{ hosts: ["a.test"], secretName: name }],
          defaultBackend: { service: { name: "web", port: { number: 80 } } },
        },
      });
      const code = async (name: string) => (await node.call("GET", `${secrets}/${name}`)).code;
      const ingresses = `${group}/namespaces/default/ingresses`;
      await make(ingresses, ingress("certificate", "ours"));
      await make(ingresses, ingress("of-another", "another"));
      assert.equal(await code("certificate"), 403, "there is no such class yet");
      for (const [name, controller] of Object.entries(classes))
        await make(`${group}/ingressclasses`, {
          apiVersion: "networking.k8s.io/v1",
          kind: "IngressClass",
          metadata: { name },
          spec: { controller },
        });
      assert.equal(await code("certificate"), 200);
      const watched = `${secrets}?fieldSelector=metadata.name%3Dcertificate`;
      assert.equal((await node.call("GET", watched)).code, 200);
      assert.equal(await code("of-another"), 403);
      assert.equal((await node.call("GET", secrets)).code, 403);
      const label = async (value: string | null) => {
        const labels = { "pintle.dev.node-restriction.kubernetes.io/no-ingress": value };
        const headers = { "content-type": "application/merge-patch+json" };
        const body = { metadata: { labels } };
        assert.equal((await api.admin.call("PATCH", "/api/v1/nodes/n1", { body, headers })).code, 200);
        return (
          await node.call("PATCH", "/api/v1/nodes/n1", {
            body: { metadata: { labels: { [Object.keys(labels)[0] ?? ""]: null } } },
            headers,
          })
        ).code;
      };
      assert.equal(await label(""), 403, "its agent cannot take the label off");
      assert.equal(await code("certificate"), 403);
      await label(null);
      assert.equal(await code("certificate"), 200);
      await api.admin.call("DELETE", `${ingresses}/certificate`);
      assert.equal(await code("certificate"), 403);
    });

    it("may read the certificates of Gateways that nodes answer for, of other namespaces where these allow it", async () => {
      const group = "gateway.networking.k8s.io";
      const kinds = [
        ["GatewayClass", "gatewayclasses", "Cluster"],
        ["Gateway", "gateways", "Namespaced"],
        ["ReferenceGrant", "referencegrants", "Namespaced"],
        ["BackendTLSPolicy", "backendtlspolicies", "Namespaced"],
      ] as const;
      for (const [kind, plural, scope] of kinds)
        await make("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
          apiVersion: "apiextensions.k8s.io/v1",
          kind: "CustomResourceDefinition",
          metadata: {
            name: `${plural}.${group}`,
            annotations: { "api-approved.kubernetes.io": "https://example.com/" },
          },
          spec: {
            group,
            scope,
            names: { kind, plural, singular: kind.toLowerCase() },
            versions: [
              {
                name: "v1",
                served: true,
                storage: true,
                schema: {
                  openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
                },
              },
            ],
          },
        });
      const own = `/apis/${group}/v1`;
      const served = async () => (await api.admin.call("GET", `${own}/backendtlspolicies`)).code === 200;
      while (!(await served())) await new Promise((resolve) => setImmediate(resolve));
      const there = "/api/v1/namespaces/kube-system/secrets";
      for (const at of [secrets, there])
        await make(at, { apiVersion: "v1", kind: "Secret", metadata: { name: "of-gateway" } });
      const code = async (at: string) => (await node.call("GET", `${at}/of-gateway`)).code;
      const object = (kind: string, name: string, spec: object) => ({
        apiVersion: `${group}/v1`,
        kind,
        metadata: { name },
        spec,
      });
      const gateway = (name: string, gatewayClassName: string) => {
        const certificateRefs = [undefined, "kube-system"].map((namespace) => ({
          name: "of-gateway",
          namespace,
        }));
        const listeners = certificateRefs.map((ref, at) => ({
          name: `l${at}`,
          port: 443 + at,
          protocol: "HTTPS",
          tls: { certificateRefs: [ref] },
        }));
        return object("Gateway", name, { gatewayClassName, listeners });
      };
      await make(
        `${own}/gatewayclasses`,
        object("GatewayClass", "theirs", { controllerName: "example.com/x" }),
      );
      await make(`${own}/namespaces/default/gateways`, gateway("theirs", "theirs"));
      assert.deepEqual([await code(secrets), await code(there)], [403, 403], "another's Gateway");
      await make(
        `${own}/gatewayclasses`,
        object("GatewayClass", "ours", { controllerName: "pintle.dev/gateway" }),
      );
      await make(`${own}/namespaces/default/gateways`, gateway("ours", "ours"));
      assert.deepEqual([await code(secrets), await code(there)], [200, 403], "nobody allows it there");
      await make(
        `${own}/namespaces/kube-system/referencegrants`,
        object("ReferenceGrant", "g", {
          from: [{ group, kind: "Gateway", namespace: "default" }],
          to: [{ group: "", kind: "Secret" }],
        }),
      );
      assert.deepEqual([await code(secrets), await code(there)], [200, 200]);
      await api.admin.call("DELETE", `${own}/namespaces/default/gateways/ours`);
      assert.deepEqual([await code(secrets), await code(there)], [403, 403]);

      // And the authorities that a policy of its namespace trusts for backends.
      const maps = ["default", "kube-system"].map(
        (namespace) => `/api/v1/namespaces/${namespace}/configmaps`,
      );
      for (const at of maps)
        await make(at, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "trusted" } });
      const readable = () =>
        Promise.all(maps.map(async (at) => (await node.call("GET", `${at}/trusted`)).code));
      assert.deepEqual(await readable(), [403, 403]);
      const caCertificateRefs = [{ group: "", kind: "ConfigMap", name: "trusted" }];
      const policies = `${own}/namespaces/default/backendtlspolicies`;
      await make(
        policies,
        object("BackendTLSPolicy", "p", { targetRefs: [], validation: { hostname: "a", caCertificateRefs } }),
      );
      assert.deepEqual(await readable(), [200, 403]);
      await api.admin.call("DELETE", `${policies}/p`);
      assert.deepEqual(await readable(), [403, 403]);
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

  it("may take the lease of a load balancer's address for itself, and give up its own alone", async () => {
    const system = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";
    const held = (name: string, holderIdentity: string) => ({
      ...lease(name),
      spec: { holderIdentity, leaseDurationSeconds: 3 },
    });
    const name = "pintle-load-balancer-10.9.0.2";
    const create = async (body: object) => (await node.call("POST", system, { body })).code;
    const update = async (holder: string, as = node) => {
      const { body } = await as.call("GET", `${system}/${name}`);
      body.spec.holderIdentity = holder;
      return (await as.call("PUT", `${system}/${name}`, { body })).code;
    };
    assert.equal(await create(held("kube-scheduler", "n1")), 403);
    assert.equal(await create(held(name, "n2")), 403);
    assert.equal(await create(held(name, "")), 403);
    assert.equal(await create(held(name, "n1")), 201);
    assert.equal(await update("n2"), 403);
    assert.equal(await update(""), 200, "its own, given up");
    assert.equal(await update("n2", api.admin), 200);
    assert.equal(await update(""), 403, "another's");
    assert.equal(await update("n1"), 200, "taken over");
    assert.equal((await node.call("DELETE", `${system}/${name}`)).code, 403);
  });

  it("may not say which addresses the pods on it have, as Kubernetes lets it", async () => {
    const spec = { podCIDR: "10.0.0.0/8", podCIDRs: ["10.0.0.0/8"] };
    const asked = [
      await node.call("PATCH", "/api/v1/nodes/n1", { body: { spec }, type: "application/merge-patch+json" }),
      await node.call("POST", "/api/v1/nodes", { body: { metadata: { name: "n1" }, spec } }),
    ];
    for (const { code, body } of asked) {
      assert.equal(code, 403);
      assert.match(body.message, /node "n1" is not allowed to set spec.podCIDR$/);
    }
  });
});

const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
