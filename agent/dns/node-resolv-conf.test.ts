import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readNodeResolvConf } from "./node-resolv-conf.ts";

describe("a node's own resolv.conf", () => {
  let folder: string;
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const servers = async (path: string, behind?: string) => (await readNodeResolvConf(path, behind)).servers;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pintle-dns-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("is read anew each time", async () => {
    const path = file("own", "nameserver 192.0.2.1\n");
    assert.deepEqual(await servers(path), ["192.0.2.1"]);
    file("own", "nameserver 192.0.2.2\n");
    assert.deepEqual(await servers(path), ["192.0.2.2"]);
  });

  it("names nobody where there is none, or none is wanted", async () => {
    assert.deepEqual(await servers(join(folder, "absent")), []);
    assert.deepEqual(await servers(""), []);
  });

  it("gives way to the servers behind systemd-resolved, which nobody else can reach, where only that is named", async () => {
    const behind = file("behind", "nameserver 192.0.2.9\nsearch corp.example\n");
    assert.deepEqual(await servers(file("own", "nameserver 127.0.0.53\n"), behind), ["192.0.2.9"]);
    assert.deepEqual(await servers(file("own", "nameserver 127.0.0.53\n"), join(folder, "absent")), [
      "127.0.0.53",
    ]);
    const both = file("own", "nameserver 127.0.0.53\nnameserver 192.0.2.1\n");
    assert.deepEqual(await servers(both, behind), ["127.0.0.53", "192.0.2.1"]);
  });
});
