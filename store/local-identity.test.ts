import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../base/os/clock.ts";
import { utf8 } from "../base/wire.ts";
import { type Method, methods } from "../proto/etcd-methods.ts";
import type { RunningStore } from "./compose.ts";
import { LocalTransport } from "./local-transport.ts";
import { answerOf } from "./rpc/promised-answer.ts";
import { startAlone } from "./testing/start-alone.ts";
import { TlsFolder } from "./testing/tls-folder.ts";

const here = { url: "", address: "", secure: false };

/** The API server of `pintle server`, beside a store whose users count. */
describe("a client in the member's process, while authentication is on", function () {
  this.timeout(30_000);
  let folder: string;
  let files: TlsFolder;
  let store: RunningStore | undefined;
  const transports: LocalTransport[] = [];

  const start = async (...flags: readonly string[]) => {
    store = await startAlone(folder, "--bcrypt-cost=4", ...flags);
    await store.ready;
    const { member } = store;
    const asRoot = <Q extends object>(method: Method<Q, object>, request: object) => {
      const handler = member.handlers.unary.get(method.path);
      assert.ok(handler !== undefined);
      const bytes = method.request.encode(request as Q);
      return answerOf(handler, bytes, { requireLeader: false, isOwn: true });
    };
    for (const [name, role] of [
      ["root", "root"],
      ["apiserver", "keys"],
    ] as const) {
      await asRoot(methods.userAdd, { name, password: "pw" });
      if (role !== "root") {
        await asRoot(methods.roleAdd, { name: role });
        const perm = { permType: "READWRITE", key: utf8("/registry/"), rangeEnd: utf8("/registry0") };
        await asRoot(methods.roleGrantPermission, { name: role, perm });
      }
      await asRoot(methods.userGrantRole, { user: name, role });
    }
    await asRoot(methods.authEnable, {});
    return { ...store, handlers: member.handlers };
  };
  const clientOf = (member: Awaited<ReturnType<typeof start>>, certificateName?: string) => {
    let nobody = 0;
    const settings = { certificateName, onNobody: () => void nobody++ };
    const transport = new LocalTransport(member, systemClock, settings);
    transports.push(transport);
    const put = async (key: string) => {
      const bytes = methods.put.request.encode({ key: utf8(key), value: utf8("v") });
      try {
        await transport.unary(here, methods.put.path, bytes, { timeoutMs: 5_000, requireLeader: false });
        return "ok";
      } catch (error) {
        return (error as Error).message;
      }
    };
    return { put, nobody: () => nobody };
  };
  const byCertificate = () => [
    "--listen-client-urls=https://127.0.0.1:0",
    `--cert-file=${files.file("cert.pem")}`,
    `--key-file=${files.file("key.pem")}`,
    "--client-cert-auth",
    `--trusted-ca-file=${files.file("ca.pem")}`,
  ];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "pintle-identity-"));
    files = await TlsFolder.make();
  });
  afterEach(async () => {
    for (const transport of transports.splice(0)) transport.close();
    await store?.stop();
    await files.remove();
    await rm(folder, { recursive: true, force: true });
  });

  it("is the user that its certificate names, where certificates say who asks", async () => {
    const { put, nobody } = clientOf(await start(...byCertificate()), "apiserver");
    assert.equal(await put("/registry/pods/a"), "ok");
    assert.equal(await put("elsewhere"), "etcdserver: permission denied");
    assert.equal(nobody(), 0);
  });

  it("is nobody without a certificate, or where certificates say nothing, and its process hears of it", async () => {
    const member = await start(...byCertificate());
    const unnamed = clientOf(member);
    assert.equal(await unnamed.put("/registry/pods/a"), "etcdserver: user name is empty");
    assert.equal(unnamed.nobody(), 1);
    await store?.stop();
    await rm(folder, { recursive: true, force: true });
    const { put, nobody } = clientOf(await start(), "root");
    assert.equal(await put("/registry/pods/a"), "etcdserver: user name is empty");
    assert.equal(nobody(), 1);
  });
});
