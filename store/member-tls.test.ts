import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { Agent, get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { systemClock } from "../base/os/clock.ts";
import { freePorts } from "../base/os/free-ports.ts";
import type { RunningStore } from "./compose.ts";
import { startAlone } from "./testing/start-alone.ts";
import { TlsFolder } from "./testing/tls-folder.ts";
import { askMembers } from "./transport/peer/ask-members.ts";

describe("a member's TLS", () => {
  const running: RunningStore[] = [];
  const folders: string[] = [];
  const agents: Agent[] = [];
  let files: TlsFolder | undefined;
  const folder = async () => {
    const path = await mkdtemp(join(tmpdir(), "pintle-member-tls-"));
    folders.push(path);
    return path;
  };
  const start = async (dataDir: string, ...flags: readonly string[]) => {
    const store = await startAlone(dataDir, ...flags);
    running.push(store);
    await store.ready;
    return store;
  };
  afterEach(async () => {
    for (const agent of agents.splice(0)) agent.destroy();
    for (const store of running.splice(0)) await store.stop();
    for (const path of folders.splice(0)) await rm(path, { recursive: true, force: true });
    await files?.remove();
  });

  /** Asks over connections that are kept, and tells of the one that was used. */
  const asking = (options: {
    readonly port: number;
    readonly ca: string | Buffer;
    readonly [more: string]: unknown;
  }) => {
    const agent = new Agent({ keepAlive: true, host: "127.0.0.1", ...options });
    agents.push(agent);
    return () =>
      new Promise<{
        readonly status: number | undefined;
        readonly serial: string;
        readonly from: number | undefined;
      }>((resolve, reject) => {
        get({ agent, host: "127.0.0.1", port: options.port, path: "/health" }, (response) => {
          const socket = response.socket as TLSSocket;
          const { serialNumber: serial } = socket.getPeerCertificate();
          const answer = { status: response.statusCode, serial, from: socket.localPort };
          response.resume().on("end", () => resolve(answer));
        }).on("error", reject);
      });
  };
  const serialAt = (port: number, shown: object) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port, ...shown });
      socket.on("error", reject).on("secureConnect", () => {
        resolve(socket.getPeerCertificate().serialNumber);
        socket.destroy();
      });
    });

  it("takes up renewed certificates on both ports; connections that stand go on", async () => {
    files = await TlsFolder.make();
    const [peerPort = 0] = await freePorts(1);
    const peerUrl = `https://127.0.0.1:${peerPort}`;
    const named = ["cert-file=cert.pem", "key-file=key.pem", "trusted-ca-file=ca.pem"].flatMap((pair) => {
      const [flag, name = ""] = pair.split("=");
      return [`--${flag}=${files?.file(name)}`, `--peer-${flag}=${files?.file(name)}`];
    });
    const store = await start(
      await folder(),
      ...named,
      "--client-cert-auth",
      "--peer-client-cert-auth",
      "--listen-client-urls=https://127.0.0.1:0",
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=default=${peerUrl}`,
    );
    const [port = 0] = store.clientPorts;
    const { certificatePem: cert, privateKeyPem: key } = await files.issue("client");
    const shown = { ca: files.authority.certificatePem, cert, key };
    const ask = asking({ port, ...shown });
    const first = await ask();
    assert.equal(first.status, 200);
    assert.equal(await serialAt(peerPort, shown), first.serial);

    await files.renew();
    const [again, other] = [await ask(), await asking({ port, ...shown })()];
    assert.deepEqual(again, first, "the same connection");
    assert.equal(other.status, 200);
    assert.notEqual(other.serial, first.serial);
    assert.equal(await serialAt(peerPort, shown), other.serial);
    const { members } = await askMembers(peerUrl, "0", {
      tls: files.portTls({ asks: true }),
      clock: systemClock,
    });
    assert.equal(members.length, 1);
  });

  it("makes its own certificates once where it is told to, its keys for itself alone", async () => {
    const dataDir = await folder();
    const flags = [
      ...["--auto-tls", "--peer-auto-tls", "--listen-client-urls=https://127.0.0.1:0"],
      ...["--listen-peer-urls=https://127.0.0.1:0", "--initial-advertise-peer-urls=https://127.0.0.1:9"],
      "--initial-cluster=default=https://127.0.0.1:9",
    ];
    const serials: string[] = [];
    for (const _ of ["first", "again"]) {
      const store = await start(dataDir, ...flags);
      const ca = readFileSync(join(dataDir, "fixtures/client/cert.pem"));
      const { status, serial } = await asking({ port: store.clientPorts[0] ?? 0, ca })();
      assert.equal(status, 200);
      serials.push(serial);
      await store.stop();
    }
    assert.equal(serials[0], serials[1]);
    for (const port of ["client", "peer"])
      assert.equal((await stat(join(dataDir, "fixtures", port, "key.pem"))).mode & 0o777, 0o600);
  });
});
