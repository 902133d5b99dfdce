import assert from "node:assert/strict";
import { createServer } from "node:https";
import type { TLSSocket } from "node:tls";
import { createAuthority, issueCertificate } from "../../../base/os/pki.ts";
import { Extender, type ExtenderSpec } from "./extender.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");

describe("controlplane/scheduler/extenders, over TLS", () => {
  let stop: () => Promise<unknown>;
  let urlPrefix: string;
  let trusted: NonNullable<ExtenderSpec["tlsConfig"]>;
  let stranger: string;

  /** Answers whom its authority vouches for, by name. */
  before(async () => {
    const authority = await createAuthority({ name: "extenders" });
    stranger = base64((await createAuthority({ name: "others" })).certificatePem);
    const own = await issueCertificate(authority, {
      commonName: "extender",
      dnsNames: ["extender.example.com"],
      usage: "server",
    });
    const client = await issueCertificate(authority, { commonName: "kube-scheduler", usage: "client" });
    trusted = {
      caData: base64(authority.certificatePem),
      certData: base64(client.certificatePem),
      keyData: base64(client.privateKeyPem),
      serverName: "extender.example.com",
    };
    const server = createServer(
      {
        ca: authority.certificatePem,
        cert: own.certificatePem,
        key: own.privateKeyPem,
        requestCert: true,
        rejectUnauthorized: true,
      },
      (request, response) => {
        const { subject } = (request.socket as TLSSocket).getPeerCertificate();
        response.end(JSON.stringify({ asked: request.url, by: subject.CN }));
      },
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    urlPrefix = `https://127.0.0.1:${typeof address === "object" ? address?.port : 0}/`;
    stop = () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    };
  });
  after(() => stop());

  const ask = async (tlsConfig: ExtenderSpec["tlsConfig"]): Promise<unknown> => {
    const extender = new Extender({ urlPrefix, ...(tlsConfig && { tlsConfig }) });
    try {
      return await extender.send("filter", {}, new AbortController().signal);
    } finally {
      extender.close();
    }
  };

  it("are asked with the certificate that the configuration gives, and believed by its authority and name", async () => {
    assert.deepEqual(await ask(trusted), { asked: "/filter", by: "kube-scheduler" });
  });

  it("are not asked where they are not who they should be, but where the configuration does not care", async () => {
    await assert.rejects(ask({ ...trusted, serverName: "another.example.com" }), /altnames|does not match/i);
    await assert.rejects(ask({ ...trusted, caData: stranger }), /self.signed|unable to/i);
    const { caData: _, ...unchecked } = trusted;
    assert.deepEqual(await ask({ ...unchecked, insecure: true }), { asked: "/filter", by: "kube-scheduler" });
  });

  it("do not answer a scheduler that shows no certificate", async () => {
    const { certData: _, keyData: __, ...nobody } = trusted;
    await assert.rejects(ask(nobody));
  });
});
