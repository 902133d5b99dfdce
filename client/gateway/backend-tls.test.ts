import assert from "node:assert/strict";
import { createAuthority } from "../../base/os/pki.ts";
import { tlsPolicies } from "./backend-tls.ts";
import type { BackendTlsPolicy } from "./gateway-types.ts";
import { tlsPolicy } from "./testing/gateway-objects.ts";

describe("policies of TLS to backends", () => {
  let pem: string;
  before(async () => {
    pem = (await createAuthority({ name: "authority" })).certificatePem;
  });
  const views = (...policies: readonly BackendTlsPolicy[]) =>
    tlsPolicies(policies, (key) => {
      const text = { "ns/ca": pem, "ns/malformed": "hello", "ns/empty": "" }[key];
      return text === undefined
        ? undefined
        : {
            apiVersion: "v1",
            kind: "ConfigMap",
            metadata: { name: key, uid: key, resourceVersion: "1", creationTimestamp: "" },
            data: { "ca.crt": text },
          };
    });
  const ca = (...names: readonly string[]) => names.map((name) => ({ group: "", kind: "ConfigMap", name }));
  const validation = (more: Partial<BackendTlsPolicy["spec"]["validation"]> = {}) => ({
    hostname: "a.test",
    caCertificateRefs: ca("ca"),
    ...more,
  });

  it("say whom to trust, by their host unless other names are said", () => {
    const { of } = views(tlsPolicy("p", { validation: validation() }));
    assert.deepEqual(of("ns", "web", undefined)?.trust, {
      name: "a.test",
      authoritiesPem: `${pem.trim()}\n`,
      hosts: ["a.test"],
      uris: [],
    });
    assert.equal(of("ns", "other", undefined), undefined);
    assert.equal(of("other", "web", undefined), undefined);
    const subjectAltNames = [
      { type: "Hostname", hostname: "*.b.test" },
      { type: "URI", uri: "spiffe://x/y" },
    ];
    const named = views(tlsPolicy("p", { validation: validation({ subjectAltNames }) })).of(
      "ns",
      "web",
      "p",
    )?.trust;
    assert.deepEqual([named?.hosts, named?.uris], [["*.b.test"], ["spiffe://x/y"]]);
    const wellKnown = { hostname: "a.test", wellKnownCACertificates: "System" };
    const system = views(tlsPolicy("p", { validation: wellKnown })).of("ns", "web", undefined);
    assert.equal(system?.trust?.authoritiesPem, undefined);
    assert.equal(system?.fault, undefined);
  });

  it("hold for a port before they hold for its Service, and the older ones alone", () => {
    const at = (year: number) => ({ creationTimestamp: `${year}-01-01T00:00:00Z` });
    const target = (sectionName?: string) => ({
      targetRefs: [{ group: "", kind: "Service", name: "web", ...(sectionName && { sectionName }) }],
    });
    const all = views(
      tlsPolicy("new", { ...target(), validation: validation() }, at(2027)),
      tlsPolicy("old", { ...target(), validation: validation() }, at(2020)),
      tlsPolicy("b", { ...target("tls"), validation: validation() }),
      tlsPolicy("a", { ...target("tls"), validation: validation() }),
    );
    const name = (port?: string) => all.of("ns", "web", port)?.policy.metadata.name;
    assert.deepEqual([name(), name("other"), name("tls")], ["old", "old", "a"]);
    assert.deepEqual(
      all.views.map(({ policy, fault }) => `${policy.metadata.name} ${fault?.reason}`).sort(),
      ["a undefined", "b Conflicted", "new Conflicted", "old undefined"],
    );
  });

  it("let nothing pass where they cannot be honoured, and say why", () => {
    const cases: readonly (readonly [Partial<BackendTlsPolicy["spec"]>, string, string | undefined])[] = [
      [
        { validation: validation({ caCertificateRefs: ca("none") }) },
        "NoValidCACertificate",
        "InvalidCACertificateRef",
      ],
      [
        { validation: validation({ caCertificateRefs: ca("malformed") }) },
        "NoValidCACertificate",
        "InvalidCACertificateRef",
      ],
      [
        { validation: validation({ caCertificateRefs: ca("empty") }) },
        "NoValidCACertificate",
        "InvalidCACertificateRef",
      ],
      [
        { validation: validation({ caCertificateRefs: [{ group: "", kind: "Secret", name: "ca" }] }) },
        "NoValidCACertificate",
        "InvalidKind",
      ],
      [{ validation: { hostname: "a.test", wellKnownCACertificates: "x.test/own" } }, "Invalid", undefined],
      [{ validation: validation({ hostname: "*.a.test" }) }, "Invalid", undefined],
      [{ validation: validation({ hostname: "a\r\nb" }) }, "Invalid", undefined],
      [
        { validation: validation({ subjectAltNames: [{ type: "URI", uri: "no uri" }] }) },
        "Invalid",
        undefined,
      ],
      [{ validation: validation({ subjectAltNames: [{ type: "Email" }] }) }, "Invalid", undefined],
      [{ validation: validation(), options: { "x.test/min": "1.3" } }, "Invalid", undefined],
    ];
    for (const [spec, reason, unresolved] of cases) {
      const found = views(tlsPolicy("p", { validation: validation(), ...spec })).of("ns", "web", undefined);
      assert.deepEqual(
        [found?.fault?.reason, found?.unresolved?.reason, found?.trust],
        [reason, unresolved, undefined],
        JSON.stringify(spec),
      );
    }
    // One that is valid does not make up for one that is not.
    const half = views(tlsPolicy("p", { validation: validation({ caCertificateRefs: ca("ca", "none") }) }));
    const found = half.of("ns", "web", undefined);
    assert.deepEqual([found?.fault, found?.trust], [undefined, undefined]);
    assert.equal(found?.unresolved?.reason, "InvalidCACertificateRef");
  });
});
