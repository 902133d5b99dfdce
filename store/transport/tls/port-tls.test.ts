import "reflect-metadata";
import assert from "node:assert/strict";
import { webcrypto, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import * as x509 from "@peculiar/x509";
import { silentLog } from "../../../base/os/log.ts";
import { type Certificate, issueCertificate } from "../../../base/os/pki.ts";
import { TlsFolder } from "../../testing/tls-folder.ts";
import { BoundServer } from "../bound-server.ts";
import type { PortTls } from "./port-tls.ts";

describe("a port's TLS", () => {
  let files: TlsFolder;
  const folders: TlsFolder[] = [];
  const make = async () => {
    const folder = await TlsFolder.make();
    folders.push(folder);
    return folder;
  };
  const servers: BoundServer[] = [];
  const clients: Socket[] = [];

  beforeEach(async () => {
    files = await make();
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    for (const server of servers.splice(0)) await server.stop();
    for (const folder of folders.splice(0)) await folder.remove();
  });

  /** A server that sends back what it gets. */
  const echo = async (tls: PortTls) => {
    const server = await BoundServer.bind({ host: "127.0.0.1", port: 0, flag: "listen", tls }, silentLog);
    server.serve((socket) => socket.on("error", () => undefined).pipe(socket));
    servers.push(server);
    return server;
  };
  const shows = (certificate: Certificate) => ({
    cert: certificate.certificatePem,
    key: certificate.privateKeyPem,
  });
  const open = async (server: BoundServer, options: ConnectionOptions = {}): Promise<TLSSocket> => {
    const ca = files.authority.certificatePem;
    const socket = connect({ host: "127.0.0.1", port: server.port, ca, ALPNProtocols: ["h2"], ...options });
    clients.push(socket);
    await once(socket, "secureConnect");
    return socket;
  };
  const answers = async (socket: TLSSocket) => {
    socket.on("error", () => undefined).write("x");
    const outcome = new Promise<boolean>((resolve) => {
      socket.once("data", () => resolve(true));
      socket.once("close", () => resolve(false));
    });
    return await outcome;
  };
  const serialOf = (certificate: Certificate) => new X509Certificate(certificate.certificatePem).serialNumber;

  it("takes a member for whom its URL names, or for the name that was given", async () => {
    const certificate = await issueCertificate(files.authority, {
      commonName: "member",
      addresses: [],
      dnsNames: ["cluster.example"],
      usage: "both",
    });
    await files.renew(certificate);
    const server = await echo(files.portTls());
    const ca = files.authority.certificatePem;
    await assert.rejects(open(server, { ...files.portTls().dialOptions(), ca }), {
      code: "ERR_TLS_CERT_ALTNAME_INVALID",
    });
    const named = (serverName: string) => files.portTls({ serverName }).dialOptions();
    await open(server, { ...named("cluster.example"), ca });
    await assert.rejects(open(server, { ...named("other.example"), ca }), {
      code: "ERR_TLS_CERT_ALTNAME_INVALID",
    });
  });

  it("shows a renewed certificate to who connects then, and leaves connections that stand alone", async () => {
    const server = await echo(files.portTls());
    const before = await open(server);
    const renewed = await files.renew();
    const later = await open(server);
    assert.equal(later.getPeerCertificate().serialNumber, serialOf(renewed));
    assert.notEqual(before.getPeerCertificate().serialNumber, serialOf(renewed));
    assert.equal(await answers(before), true);
    assert.equal(await answers(later), true);
  });

  it("goes on with the certificate before while only one of its two files is renewed", async () => {
    const first = await files.renew();
    const server = await echo(files.portTls());
    await open(server);
    const second = await files.issue();
    await files.write("key.pem", second.privateKeyPem);
    assert.equal((await open(server)).getPeerCertificate().serialNumber, serialOf(first));
    await files.write("cert.pem", second.certificatePem);
    assert.equal((await open(server)).getPeerCertificate().serialNumber, serialOf(second));
  });

  it("trusts the certificates of a renewed authority", async () => {
    const other = await make();
    const server = await echo(files.portTls({ asks: true }));
    const client = await other.issue("client");
    assert.equal(await answers(await open(server, shows(client))), false);
    await files.write("ca.pem", "");
    assert.equal(await answers(await open(server, shows(await files.issue()))), true, "the one before");
    await files.write("ca.pem", other.authority.certificatePem);
    assert.equal(await answers(await open(server, shows(client))), true);
  });

  /** A list of the authority's. */
  const listOf = async (...revoked: readonly Certificate[]) => {
    const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    const key = x509.PemConverter.decodeFirst(files.authority.privateKeyPem);
    return await x509.X509CrlGenerator.create({
      issuer: new x509.X509Certificate(files.authority.certificatePem).subject,
      entries: revoked.map((one) => ({ serialNumber: serialOf(one), revocationDate: new Date() })),
      signingAlgorithm: algorithm,
      signingKey: await webcrypto.subtle.importKey("pkcs8", key, algorithm, false, ["sign"]),
    });
  };

  it("turns away a certificate once it is in the list of revoked ones, as DER or as PEM", async () => {
    const [good, bad] = [await files.issue("good"), await files.issue("bad")];
    await files.write("crl", Buffer.from((await listOf()).rawData));
    const server = await echo(files.portTls({ asks: true, crlFile: files.file("crl") }));
    assert.equal(await answers(await open(server, shows(bad))), true);
    for (const list of [
      Buffer.from((await listOf(bad)).rawData),
      (await listOf(good, bad)).toString("pem"),
    ]) {
      await files.write("crl", list);
      assert.equal(await answers(await open(server, shows(bad))), false);
    }
    assert.equal(await answers(await open(server, shows(good))), false);
    await files.write("crl", Buffer.from((await listOf(bad)).rawData));
    assert.equal(await answers(await open(server, shows(good))), true);
  });

  it("lets nobody in while the list of revoked certificates cannot be read", async () => {
    const client = await files.issue("client");
    await files.write("crl", Buffer.from((await listOf()).rawData));
    const server = await echo(files.portTls({ asks: true, crlFile: files.file("crl") }));
    await files.write("crl", "nonsense");
    assert.equal(await answers(await open(server, shows(client))), false);
    await rm(files.file("crl"));
    assert.equal(await answers(await open(server, shows(client))), false);
    await files.write("crl", Buffer.from((await listOf()).rawData));
    assert.equal(await answers(await open(server, shows(client))), true);
  });

  it("looks at the revoked ones when a session is taken up again, too", async () => {
    const client = await files.issue("client");
    await files.write("crl", Buffer.from((await listOf()).rawData));
    const server = await echo(files.portTls({ asks: true, crlFile: files.file("crl") }));
    const options = { ...shows(client), maxVersion: "TLSv1.2" } as const;
    const first = await open(server, options);
    const session = first.getSession();
    assert.equal(await answers(first), true);
    await files.write("crl", Buffer.from((await listOf(client)).rawData));
    const again = await open(server, { ...options, ...(session && { session }) });
    assert.equal(again.isSessionReused(), true);
    assert.equal(await answers(again), false);
  });

  it("lets in only certificates of allowed names or hosts, where such are given", async () => {
    const [member, other] = [await files.issue("member"), await files.issue("other", [])];
    for (const allowed of [{ allowedNames: ["x", "member"] }, { allowedHosts: ["x", "localhost"] }]) {
      const server = await echo(files.portTls({ asks: true, ...allowed }));
      assert.equal(await answers(await open(server, shows(member))), true);
      assert.equal(await answers(await open(server, shows(other))), false);
    }
  });

  it("wants a certificate to name where it is shown from, if it names any address and that is asked for", async () => {
    const checking = await echo(files.portTls({ asks: true, checksAddress: true }));
    const [here, elsewhere] = [await files.issue("here"), await files.issue("there", ["192.0.2.1"])];
    const nowhere = await files.issue("nowhere", []);
    assert.equal(await answers(await open(checking, shows(here))), true);
    assert.equal(await answers(await open(checking, shows(nowhere))), true);
    assert.equal(await answers(await open(checking, shows(elsewhere))), true, "localhost is 127.0.0.1");
  });
});
