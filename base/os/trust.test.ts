import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer, type TLSSocket } from "node:tls";
import { createAuthority, issueCertificate } from "./pki.ts";
import { trusting } from "./trust.ts";

describe("base/os/trust", () => {
  it("trusts a certificate that is itself named, whoever signed it, and none beside", async () => {
    const authority = await createAuthority({ name: "authority" });
    const issue = () =>
      issueCertificate(authority, { commonName: "server", addresses: ["127.0.0.1"], usage: "server" });
    const [own, other] = [await issue(), await issue()];
    const server = createServer({ cert: own.certificatePem, key: own.privateKeyPem });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const outcome = async (certificates: string | readonly string[]) => {
      const socket: TLSSocket = connect({ host: "127.0.0.1", port, ...trusting(certificates) });
      try {
        await once(socket, "secureConnect");
        return "trusted";
      } catch (error) {
        return (error as { code?: string }).code;
      } finally {
        socket.destroy();
      }
    };
    try {
      assert.equal(await outcome(authority.certificatePem), "trusted");
      assert.equal(await outcome(own.certificatePem), "trusted");
      assert.equal(await outcome([other.certificatePem, own.certificatePem]), "trusted");
      assert.equal(await outcome(other.certificatePem), "UNABLE_TO_GET_ISSUER_CERT_LOCALLY");
    } finally {
      server.close();
    }
  });
});
