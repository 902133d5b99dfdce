import assert from "node:assert/strict";
import { parseFlags } from "../base/os/flags.ts";
import { storeConfig, storeFlags } from "./flags.ts";
import { TlsFolder } from "./testing/tls-folder.ts";

describe("flags of TLS between members that a domain's SRV records name", () => {
  let files: TlsFolder;
  before(async () => {
    files = await TlsFolder.make();
  });
  after(() => files.remove());
  const config = (...more: readonly string[]) => {
    const argv = [
      "--listen-peer-urls=https://127.0.0.1:2380",
      `--peer-cert-file=${files.file("cert.pem")}`,
      `--peer-key-file=${files.file("key.pem")}`,
      "--listen-client-urls=https://127.0.0.1:2379",
      "--advertise-client-urls=https://127.0.0.1:2379",
      `--cert-file=${files.file("cert.pem")}`,
      `--key-file=${files.file("key.pem")}`,
    ];
    return storeConfig(parseFlags(storeFlags, [...argv, ...more]).flags);
  };

  it("have members take each other for that domain, unless an authority of theirs is given", () => {
    const found = config("--discovery-srv=cluster.example");
    assert.deepEqual(
      [found.peerTls?.serverName, found.clientTls?.serverName],
      ["cluster.example", undefined],
    );
    const trusted = `--peer-trusted-ca-file=${files.file("ca.pem")}`;
    assert.equal(config("--discovery-srv=cluster.example", trusted).peerTls?.serverName, undefined);
    assert.equal(config().peerTls?.serverName, undefined);
  });
});
