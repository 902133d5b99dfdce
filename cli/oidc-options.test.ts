import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type OidcGiven, oidcOptions } from "./oidc-options.ts";

describe("the provider that people sign in to the dashboard with", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "pintle-oidc-"));
    writeFileSync(join(folder, "secret"), "s3cret\n");
    writeFileSync(join(folder, "lines"), "two\nlines");
  });
  after(() => rmSync(folder, { recursive: true }));

  const base = {
    "oidc-issuer-url": "https://login.example/realm",
    "oidc-client-id": "pintle",
    "oidc-scopes": ["openid"],
  };
  const options = (more: Partial<OidcGiven> = {}) => {
    const given = { ...base, ...more };
    return oidcOptions(
      given,
      new Set(Object.keys(given).filter((name) => given[name as keyof OidcGiven] !== undefined)),
    );
  };

  it("is named whole, or not at all", async () => {
    assert.equal(await oidcOptions({ "oidc-scopes": ["openid"] }, new Set(["port"])), undefined);
    assert.deepEqual(await options({ "oidc-client-secret-file": join(folder, "secret") }), {
      ...{ issuer: "https://login.example/realm", clientId: "pintle", clientSecret: "s3cret" },
      ...{ scopes: ["openid"], caPem: undefined },
    });
  });

  it("is refused by the flag's name where it cannot be", async () => {
    for (const [more, word] of [
      [{ "oidc-client-id": undefined }, /--oidc-issuer-url and --oidc-client-id: give both/],
      [{ "oidc-issuer-url": undefined }, /--oidc-issuer-url and --oidc-client-id: give both/],
      [{ "oidc-issuer-url": "http://login.example" }, /--oidc-issuer-url: /],
      [{ "oidc-issuer-url": "https://login.example?a" }, /--oidc-issuer-url: /],
      [{ "oidc-issuer-url": "https://me@login.example" }, /--oidc-issuer-url: /],
      [{ "oidc-client-id": "two words" }, /--oidc-client-id: /],
      [{ "oidc-scopes": ["email"] }, /--oidc-scopes: openid must be among them/],
      [{ "oidc-scopes": ["openid", 'a"b'] }, /--oidc-scopes: "a"b" is no scope/],
      [{ "oidc-client-secret-file": join(folder, "none") }, /--oidc-client-secret-file: cannot read/],
      [{ "oidc-client-secret-file": join(folder, "lines") }, /--oidc-client-secret-file: must hold one line/],
      [{ "oidc-ca-file": join(folder, "none") }, /--oidc-ca-file: cannot read/],
    ] as const)
      await assert.rejects(options(more), word, JSON.stringify(more));
  });
});
