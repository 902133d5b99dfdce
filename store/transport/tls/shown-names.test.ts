import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { createAuthority, issueCertificate } from "../../../base/os/pki.ts";
import { addressProblem, commonName, isFor, shownNames } from "./shown-names.ts";

describe("what a certificate names", () => {
  const issue = async (dnsNames: readonly string[], addresses: readonly string[]) => {
    const authority = await createAuthority({ name: "test" });
    const issued = await issueCertificate(authority, { commonName: "m", dnsNames, addresses, usage: "both" });
    return new X509Certificate(issued.certificatePem);
  };
  const nothing = () => Promise.reject(new Error("not found"));
  const lookup = { addressesOf: nothing, hostsAt: nothing };

  it("are its common name, hosts and addresses", async () => {
    const certificate = await issue(["a.example", "*.b.example"], ["192.0.2.1", "2001:db8::1"]);
    assert.equal(commonName(certificate), "m");
    assert.deepEqual(shownNames(certificate).hosts, ["a.example", "*.b.example"]);
    assert.equal(isFor(certificate, "192.0.2.1"), true);
    assert.equal(isFor(certificate, "2001:db8:0::1"), true);
    assert.equal(isFor(certificate, "x.b.example"), true);
    for (const other of ["m", "b.example", "192.0.2.2", "x.a.example"])
      assert.equal(isFor(certificate, other), false, other);
  });

  it("must be where it is shown from: an address by itself, a host by what is found under its name", async () => {
    const addressOnly = await issue([], ["192.0.2.1"]);
    assert.equal(await addressProblem(addressOnly, "::ffff:192.0.2.1", lookup), undefined);
    assert.match(
      (await addressProblem(addressOnly, "192.0.2.2", lookup)) ?? "",
      /valid for 192\.0\.2\.1, not/,
    );

    const named = await issue(["a.example"], []);
    const forward = { ...lookup, addressesOf: async () => ["192.0.2.7"] };
    assert.equal(await addressProblem(named, "192.0.2.7", forward), undefined);
    assert.match(
      (await addressProblem(named, "192.0.2.8", lookup)) ?? "",
      /^tls: "192\.0\.2\.8" does not match any of DNSNames \["a\.example"\] \(not found\)$/,
    );

    const wildcard = await issue(["*.b.example"], []);
    const backward = { ...lookup, hostsAt: async () => ["x.b.example."] };
    assert.equal(await addressProblem(wildcard, "192.0.2.9", backward), undefined);
    assert.notEqual(await addressProblem(wildcard, "192.0.2.9", forward), undefined);
  });

  it("may be nothing", async () => {
    assert.equal(await addressProblem(await issue([], []), "192.0.2.1", lookup), undefined);
  });
});
