import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { connect, type TLSSocket } from "node:tls";
import { type Certificate, createAuthority, issueCertificate } from "../../base/os/pki.ts";
import { startTestApiserver, type TestApiserver } from "./testing.ts";
import { testTransport } from "./testing-exchange.ts";

const services = "/apis/apiregistration.k8s.io/v1/apiservices";

/** What a request looked like to the extension server. */
interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly proxyName: string;
  readonly body: string;
}

/** An API server of its own, which serves `wardle.example.com/v1` and says what it was asked. */
async function startExtension(authority: Certificate, proxies: Certificate) {
  const { certificatePem, privateKeyPem } = await issueCertificate(authority, {
    commonName: "wardle",
    dnsNames: ["wardle.default.svc"],
    usage: "server",
  });
  const seen: Seen[] = [];
  const state = { isWell: true };
  const json = "application/json";
  const server: Server = createServer(
    {
      cert: certificatePem,
      key: privateKeyPem,
      ca: proxies.certificatePem,
      requestCert: true,
      rejectUnauthorized: true,
    },
    async (request, response) => {
      const { method = "", url = "", headers } = request;
      let body = "";
      for await (const chunk of request) body += chunk;
      const proxyName = (request.socket as TLSSocket).getPeerCertificate().subject.CN as string;
      seen.push({ method, url, headers, proxyName, body });
      const answer = (value: unknown, code = 200) =>
        response.writeHead(code, { "content-type": json, "x-from": "wardle" }).end(JSON.stringify(value));
      const path = url.split("?")[0];
      if (!state.isWell) return void answer({}, 500);
      if (path === "/apis/wardle.example.com/v1")
        return void answer({
          kind: "APIResourceList",
          groupVersion: "wardle.example.com/v1",
          resources: [
            {
              name: "flunders",
              singularName: "flunder",
              namespaced: true,
              kind: "Flunder",
              verbs: ["get", "list"],
            },
            { name: "flunders/status", singularName: "", namespaced: true, kind: "Flunder", verbs: ["get"] },
          ],
        });
      if (path === "/openapi/v2")
        return void answer({
          swagger: "2.0",
          paths: {
            "/apis/wardle.example.com/v1/flunders": {
              get: { responses: { "200": { schema: { $ref: "#/definitions/Flunder" } } } },
            },
          },
          definitions: { Flunder: { type: "object", description: "W" } },
        });
      if (path === "/openapi/v3")
        return void answer({
          paths: {
            "apis/wardle.example.com/v1": {
              serverRelativeURL: "/openapi/v3/apis/wardle.example.com/v1?hash=W",
            },
          },
        });
      if (path === "/openapi/v3/apis/wardle.example.com/v1") {
        response.setHeader("etag", '"W"').setHeader("cache-control", "public, immutable");
        if (headers["if-none-match"] === '"W"') return void response.writeHead(304).end();
        return void answer({ openapi: "3.0.0", info: { title: "W" } });
      }
      if (url.includes("watch=true")) {
        response.writeHead(200, { "content-type": json });
        response.write(`${JSON.stringify({ type: "ADDED", object: { metadata: { name: "one" } } })}\n`);
        return; // goes on until its client goes
      }
      if (path?.endsWith("/elsewhere"))
        return void response.writeHead(302, { location: "https://evil.example.com/" }).end();
      if (path?.includes("/flunders")) return void answer({ kind: "Flunder", metadata: { name: "one" } });
      answer({}, 404);
    },
  );
  server.on("upgrade", (request, socket) => {
    seen.push({
      method: "UPGRADE",
      url: request.url ?? "",
      headers: request.headers,
      proxyName: "",
      body: "",
    });
    socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
    socket.pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    state,
    stop: () => server.closeAllConnections() ?? server.close(),
  };
}

describe("groups that other servers serve", () => {
  let api: TestApiserver;
  let authority: Certificate;
  let extension: Awaited<ReturnType<typeof startExtension>>;
  const group = "/apis/wardle.example.com/v1";

  /** The APIService's condition once it satisfies. */
  const untilCondition = async (name: string, reason: string) => {
    for await (const { object } of api.admin.watch(
      `${services}?watch=true&fieldSelector=metadata.name=${name}`,
    )) {
      const [condition] = object.status?.conditions ?? [];
      if (condition?.reason === reason) return condition;
    }
    throw new Error("the watch ended");
  };

  before(async () => {
    authority = await createAuthority({ name: "wardle-ca" });
    const proxies = await createAuthority({ name: "front-proxy-ca" });
    const proxy = await issueCertificate(proxies, { commonName: "front-proxy-client", usage: "client" });
    extension = await startExtension(authority, proxies);
    api = await startTestApiserver({
      config: { proxyCertificate: { cert: proxy.certificatePem, key: proxy.privateKeyPem } },
    });
    const spec = {
      group: "wardle.example.com",
      version: "v1",
      groupPriorityMinimum: 19_000,
      versionPriority: 15,
      service: { namespace: "default", name: "wardle" },
      caBundle: Buffer.from(authority.certificatePem).toString("base64"),
    };
    const { code } = await api.admin.call("POST", services, {
      body: { metadata: { name: "v1.wardle.example.com" }, spec },
    });
    assert.equal(code, 201);
  });
  after(async () => {
    await api.stop();
    extension.stop();
  });

  it("has an APIService for each group and version of its own, with Kubernetes' priorities", async () => {
    const { body } = await api.admin.call("GET", services);
    const of = (name: string) =>
      body.items.find((one: { metadata: { name: string } }) => one.metadata.name === name);
    const apps = of("v1.apps");
    assert.equal(apps.metadata.labels["kube-aggregator.kubernetes.io/automanaged"], "onstart");
    assert.deepEqual(apps.spec, {
      group: "apps",
      version: "v1",
      groupPriorityMinimum: 17_800,
      versionPriority: 15,
    });
    assert.deepEqual(
      [
        of("v1.").spec.groupPriorityMinimum,
        of("v1.").status.conditions[0].reason,
        of("v2.autoscaling").spec.versionPriority,
      ],
      [18_000, "Local", 30],
    );
    assert.equal(of("v1.apiregistration.k8s.io"), undefined);
  });

  it("keeps one for each version of a custom resource definition, as long as that is there", async () => {
    const definition = {
      metadata: { name: "samples.example.com" },
      spec: {
        group: "example.com",
        scope: "Namespaced",
        names: { plural: "samples", kind: "Sample" },
        versions: [
          { name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } },
        ],
      },
    };
    const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    assert.equal((await api.admin.call("POST", path, { body: definition })).code, 201);
    assert.equal((await untilCondition("v1.example.com", "Local")).status, "True");
    const { body } = await api.admin.call("GET", `${services}/v1.example.com`);
    assert.deepEqual(
      [
        body.metadata.labels["kube-aggregator.kubernetes.io/automanaged"],
        body.spec.groupPriorityMinimum,
        body.spec.versionPriority,
      ],
      ["true", 1000, 100],
    );
    const watch = await api.admin.openWatch(
      `${services}?watch=true&fieldSelector=metadata.name=v1.example.com`,
    );
    await api.admin.call("DELETE", `${path}/samples.example.com`);
    for await (const { type } of watch) if (type === "DELETED") break;
  });

  it("says what is missing, and answers 503 meanwhile", async () => {
    const condition = await untilCondition("v1.wardle.example.com", "ServiceNotFound");
    assert.deepEqual(
      [condition.status, condition.message],
      ["False", 'service/wardle in "default" is not present'],
    );
    const refused = await api.admin.call("GET", `${group}/namespaces/default/flunders/one`);
    assert.deepEqual([refused.code, refused.text], [503, "service unavailable\n"]);
    const service = {
      metadata: { name: "wardle" },
      spec: { ports: [{ port: 443, targetPort: extension.port }] },
    };
    await api.admin.call("POST", "/api/v1/namespaces/default/services", { body: service });
    await untilCondition("v1.wardle.example.com", "EndpointsNotFound");
    const slice = {
      metadata: { name: "wardle-1", labels: { "kubernetes.io/service-name": "wardle" } },
      addressType: "IPv4",
      endpoints: [{ addresses: ["10.1.2.3"], conditions: { ready: false } }],
      ports: [{ name: "", port: extension.port }],
    };
    const slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
    assert.equal((await api.admin.call("POST", slices, { body: slice })).code, 201);
    const missing = await untilCondition("v1.wardle.example.com", "MissingEndpoints");
    assert.equal(
      missing.message,
      'endpointslices for service/wardle in "default" have no addresses with port name ""',
    );
  });

  it("serves the group once its server answers", async () => {
    await reach();
    assert.deepEqual(
      await untilCondition("v1.wardle.example.com", "Passed").then(({ status, message }) => [
        status,
        message,
      ]),
      ["True", "all checks passed"],
    );
    assert.equal(extension.seen[0]?.proxyName, "front-proxy-client");
    assert.equal(extension.seen[0]?.headers["x-remote-user"], "system:kube-aggregator");
  });

  /** Points the service at the extension server, which is no pod: by its name. */
  async function reach(): Promise<void> {
    const path = "/api/v1/namespaces/default/services/wardle";
    await api.admin.call("DELETE", path);
    const service = {
      metadata: { name: "wardle" },
      spec: { type: "ExternalName", externalName: "localhost" },
    };
    await api.admin.call("POST", "/api/v1/namespaces/default/services", { body: service });
    await api.admin.call("PATCH", `${services}/v1.wardle.example.com`, {
      body: { spec: { service: { port: extension.port } } },
      type: "application/merge-patch+json",
    });
  }

  it("passes requests on with their user, and none of what the client says of itself", async () => {
    extension.seen.length = 0;
    const { code, body, headers } = await api.admin.call(
      "POST",
      `${group}/namespaces/default/flunders?dryRun=All`,
      {
        body: { kind: "Flunder", metadata: { name: "one" } },
        headers: {
          "x-remote-user": "mallory",
          "x-remote-extra-scope": "all",
          "impersonate-user": "jane@example.com",
          "impersonate-group": ["system:masters", "b"],
          "impersonate-extra-acme.com%2Fteam": "blue",
        },
      },
    );
    assert.deepEqual([code, body.kind, headers["x-from"]], [200, "Flunder", "wardle"]);
    const [seen] = extension.seen.filter(({ method }) => method === "POST");
    assert.equal(seen?.url, `${group}/namespaces/default/flunders?dryRun=All`);
    assert.deepEqual(JSON.parse(seen?.body ?? ""), { kind: "Flunder", metadata: { name: "one" } });
    assert.deepEqual(
      [
        seen?.headers["x-remote-user"],
        seen?.headers["x-remote-group"],
        seen?.headers["x-remote-extra-acme.com%2fteam"],
        seen?.headers["x-remote-extra-scope"],
        seen?.headers["impersonate-user"],
        seen?.headers.authorization,
      ],
      [
        "jane@example.com",
        "system:masters, b, system:authenticated",
        "blue",
        undefined,
        undefined,
        undefined,
      ],
    );
    assert.equal(seen?.headers["audit-id"], headers["audit-id"]);
  });

  for (const protocol of ["HTTP/1.1", "HTTP/2"] as const)
    for (const method of ["GET", "DELETE", "POST"])
      it(`keeps the body of a ${method} of ${protocol} within its request, whatever stands in it`, async () => {
        extension.seen.length = 0;
        const transport = testTransport(protocol, api.place);
        const inside = `GET ${group}/flunders/inside HTTP/1.1\r\nHost: a\r\nX-Remote-User: root\r\nX-Remote-Group: system:masters\r\n\r\n`;
        // Nobody says how long it is.
        const headers: Record<string, string> =
          protocol === "HTTP/1.1" ? { "transfer-encoding": "chunked" } : {};
        const { code, body } = await transport.ask({
          method,
          path: `${group}/flunders/a`,
          headers,
          body: inside,
        });
        await text(body);
        assert.equal(code, 200);
        transport.close();
        await api.admin.call("GET", `${group}/flunders/last`);
        assert.deepEqual(
          extension.seen
            .map((one) => [one.method, one.url, one.body])
            .filter(([, url]) => url?.includes("/flunders/")),
          [
            [method, `${group}/flunders/a`, inside],
            ["GET", `${group}/flunders/last`, ""],
          ],
        );
      });

  it("asks this server's own rules first who may do it", async () => {
    const jane = await api.clientFor("jane");
    const flunders = `${group}/namespaces/default/flunders`;
    const ask = async (path: string) => (await jane.call("GET", path)).code;
    extension.seen.length = 0;
    // Everybody may ask for mere paths below /apis.
    for (const path of [flunders, `${flunders}/one/parts/8/x`, `${flunders}/one/parts/proxy/x/y/z`])
      assert.equal(await ask(path), 403, path);
    assert.equal(await ask(`${flunders}/%E0%A4`), 403);
    assert.equal(await ask(`${flunders}/%E0%A4%A`), 400);
    assert.deepEqual(
      extension.seen.filter(({ url }) => url.includes("flunders")),
      [],
    );
    assert.equal((await api.admin.call("GET", `${flunders}/one/parts/8/x`)).code, 200);
  });

  it("lets watches and connections that are taken over through, and no redirects", async () => {
    for await (const { object } of api.admin.watch(`${group}/flunders?watch=true`)) {
      assert.equal(object.metadata.name, "one");
      break;
    }
    const redirected = await api.admin.call("GET", `${group}/namespaces/default/flunders/one/elsewhere`);
    assert.deepEqual(
      [redirected.code, redirected.text],
      [502, "the backend attempted to redirect this request, which is not permitted\n"],
    );
    const certificate = await issueCertificate(api.authority, {
      commonName: "admin",
      organizations: ["system:masters"],
      usage: "client",
    });
    const socket = connect({
      host: "127.0.0.1",
      port: Number(new URL(api.url).port),
      ca: api.authority.certificatePem,
      cert: certificate.certificatePem,
      key: certificate.privateKeyPem,
    });
    socket.write(
      `GET ${group}/namespaces/default/flunders/one/exec HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello`,
    );
    let heard = "";
    for await (const chunk of socket) {
      heard += chunk;
      if (heard.endsWith("hello")) break;
    }
    assert.match(heard, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
    assert.equal(
      extension.seen.find(({ method }) => method === "UPGRADE")?.headers["x-remote-user"],
      "admin",
    );
  });

  it("shows the group in discovery in the order of its priority, and its schema", async () => {
    const { body: groups } = await api.admin.call("GET", "/apis");
    assert.deepEqual(
      groups.groups.slice(0, 3).map(({ name }: { name: string }) => name),
      ["apiregistration.k8s.io", "wardle.example.com", "apps"],
    );
    const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    const { body } = await api.admin.call("GET", "/apis", { accept });
    const found = body.items.find(
      ({ metadata }: { metadata: { name: string } }) => metadata.name === "wardle.example.com",
    );
    assert.deepEqual(found.versions, [
      {
        version: "v1",
        resources: [
          {
            resource: "flunders",
            responseKind: { group: "wardle.example.com", version: "v1", kind: "Flunder" },
            scope: "Namespaced",
            singularResource: "flunder",
            verbs: ["get", "list"],
            subresources: [
              {
                subresource: "status",
                responseKind: { group: "wardle.example.com", version: "v1", kind: "Flunder" },
                verbs: ["get"],
              },
            ],
          },
        ],
        freshness: "Current",
      },
    ]);
    assert.equal(
      (await api.admin.call("GET", "/apis/wardle.example.com")).body.preferredVersion.version,
      "v1",
    );
    const index = JSON.parse((await api.admin.call("GET", "/openapi/v3")).text);
    const { serverRelativeURL } = index.paths["apis/wardle.example.com/v1"];
    const document = await api.admin.call("GET", serverRelativeURL);
    assert.equal(document.body.info.title, "W");
    assert.deepEqual(
      [document.headers.etag, document.headers["cache-control"]],
      ['"W"', "public, immutable"],
      "by its own server's word",
    );
    const known = await api.admin.call("GET", serverRelativeURL, { headers: { "if-none-match": '"W"' } });
    assert.deepEqual([known.code, known.text], [304, ""]);
    const packedType = "application/com.github.proto-openapi.spec.v3@v1.0+protobuf";
    const packed = await api.admin.call("GET", serverRelativeURL, { accept: packedType });
    assert.equal(packed.headers["content-type"], packedType.replace("@", "."));
    assert.equal((await api.admin.call("GET", serverRelativeURL, { accept: "text/html" })).code, 406);
    assert.ok(index.paths["apis/apps/v1"]);
    const { body: swagger } = await api.admin.call("GET", "/openapi/v2");
    assert.deepEqual(swagger.definitions.Flunder, { type: "object", description: "W" });
    assert.ok(swagger.paths[`${group}/flunders`]);
    assert.ok(swagger.paths["/apis/apps/v1/deployments"]);
  });

  it("notices that the server is ill, and serves nothing once the APIService is gone", async () => {
    extension.state.isWell = false;
    await api.admin.call("PATCH", `${services}/v1.wardle.example.com`, {
      body: { metadata: { annotations: { touched: "yes" } } },
      type: "application/merge-patch+json",
    });
    const { message } = await untilCondition("v1.wardle.example.com", "FailedDiscoveryCheck");
    assert.match(
      message,
      /^failing or missing response from https:.*\/apis\/wardle.example.com\/v1: bad status from .*: 500$/,
    );
    assert.equal((await api.admin.call("GET", `${group}/flunders`)).code, 503);
    await api.admin.call("DELETE", `${services}/v1.wardle.example.com`);
    while ("Flunder" in (await api.admin.call("GET", "/openapi/v2")).body.definitions);
    for (;;) {
      const { code } = await api.admin.call("GET", `${group}/flunders`);
      if (code === 404) break;
      assert.equal(code, 503);
    }
  });

  it("tells other servers by what users and front proxies are known", async () => {
    const path = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication";
    const { body } = await api.admin.call("GET", path);
    assert.equal(body.data["client-ca-file"], `${api.authority.certificatePem.trim()}\n`);
  });
});
