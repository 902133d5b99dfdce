import assert from "node:assert/strict";
import { type Certificate, createAuthority, issueCertificate } from "../../../base/os/pki.ts";
import type { BackendTlsPolicy } from "../../../client/gateway/gateway-types.ts";
import { httpRoute, tlsPolicy } from "../../../client/gateway/testing/gateway-objects.ts";
import { isFor } from "../backend-certificate.ts";
import { GatewayRig } from "../testing/gateway-rig.ts";

describe("Gateway API: backends by TLS", () => {
  let gateway: GatewayRig;
  let authority: Certificate;
  before(async () => {
    authority = await createAuthority({ name: "backends" });
  });
  beforeEach(async () => {
    gateway = await GatewayRig.open();
  });
  afterEach(() => gateway.rig.close());

  const serve = async (
    validation: Partial<BackendTlsPolicy["spec"]["validation"]>,
    { authorities = authority.certificatePem, from = authority } = {},
  ) => {
    const certificate = await issueCertificate(from, {
      commonName: "x",
      dnsNames: ["backend.test", "other.test"],
      usage: "server",
    });
    await gateway.rig.tlsBackend("web", (_, response) => void response.end("by TLS"), certificate);
    const caCertificateRefs = [{ group: "", kind: "ConfigMap", name: "ca" }];
    gateway.serveRoutes([httpRoute("r", { rules: [{ backendRefs: [{ name: "web", port: 80 }] }] })], {
      policies: [
        tlsPolicy("p", { validation: { hostname: "backend.test", caCertificateRefs, ...validation } }),
      ],
      authorities,
    });
  };

  it("are asked where their certificate is of the policy's authorities and for its host", async () => {
    await serve({});
    assert.deepEqual((await gateway.ask("/")).text, "by TLS");
    await serve({
      hostname: "elsewhere.test",
      subjectAltNames: [{ type: "Hostname", hostname: "other.test" }],
    });
    assert.deepEqual((await gateway.ask("/")).text, "by TLS");
  });

  it("are told nothing where it is not", async () => {
    const stranger = await createAuthority({ name: "stranger" });
    const cases = [
      () => serve({ hostname: "elsewhere.test" }),
      () => serve({ subjectAltNames: [{ type: "Hostname", hostname: "elsewhere.test" }] }),
      () => serve({ subjectAltNames: [{ type: "URI", uri: "spiffe://x" }] }),
      () => serve({}, { from: stranger }),
      () => serve({ caCertificateRefs: [], wellKnownCACertificates: "System" }),
    ];
    for (const [at, arrange] of cases.entries()) {
      await arrange();
      assert.equal((await gateway.ask("/")).status, 502, String(at));
    }
    await serve({}, { authorities: "no certificate" });
    assert.equal((await gateway.ask("/")).status, 500);
  });

  it("are not asked on connections that another trust has made", async () => {
    await serve({});
    assert.equal((await gateway.ask("/")).status, 200);
    gateway.serveRoutes([httpRoute("r", { rules: [{ backendRefs: [{ name: "web", port: 80 }] }] })], {
      policies: [
        tlsPolicy("p", {
          validation: {
            hostname: "elsewhere.test",
            caCertificateRefs: [{ group: "", kind: "ConfigMap", name: "ca" }],
          },
        }),
      ],
      authorities: authority.certificatePem,
    });
    assert.equal((await gateway.ask("/")).status, 502);
  });

  it("are for a name as it stands in the certificate, and not as it stands within another one", () => {
    const holds = (hosts: readonly string[], uris: readonly string[], subjectaltname: string) =>
      isFor({ hosts, uris }, { subjectaltname, subject: { CN: "cn.test" } } as never);
    assert.equal(holds([], ["spiffe://a/b"], "DNS:x, URI:spiffe://a/b"), true);
    assert.equal(holds([], ["spiffe://a/b"], 'DNS:"x, URI:spiffe://a/b"'), false);
    assert.equal(holds([], ["spiffe://a/b"], 'DNS:"x, URI:spiffe://a/b, y"'), false);
    assert.equal(holds([], ["spiffe://a/b"], 'DNS:"x\\", URI:spiffe://a/b, y", URI:z'), false);
    assert.equal(holds(["*.a.test"], [], 'URI:"x, DNS:x.a.test, y"'), false);
    assert.equal(holds([], ["spiffe://a/b"], "URI:spiffe://a/b/c"), false);
    assert.equal(holds(["*.a.test"], [], "DNS:x.a.test"), true);
    assert.equal(holds(["*.a.test"], [], "DNS:a.test"), false);
    assert.equal(holds(["cn.test"], [], "URI:x"), false);
  });
});
