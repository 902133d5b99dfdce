import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { must } from "../base/assert.ts";
import { deferred } from "../base/deferred.ts";
import { failpointNames } from "../base/failpoints/failpoint.ts";
import { systemClock } from "../base/os/clock.ts";
import { freePorts } from "../base/os/free-ports.ts";
import { systemRandom } from "../base/os/random.ts";
import { absentFailpoints } from "../store/absent-failpoints.ts";
import { openStoreClient } from "../store/client/open-client.ts";
import "./store.ts"; // declares those of the store

/** All of etcd 3.7.1's. */
const ofEtcd = `
  afterCommit afterIsMemberExist afterStartDBTxn afterWritebackBuf applyAfterOpenSnapshot
  applyBeforeOpenSnapshot beforeApplyOneConfChange beforeApplyOneEntryNormal beforeCheckpointInLeaseRenew
  beforeCommit beforeLookupWhenForwardLeaseTimeToLive beforeLookupWhenLeaseTimeToLive beforePublishing
  beforeRangeStreamChunk beforeSendWatchResponse beforeServeHTTPLeaseRenew beforeStartDBTxn beforeWritebackBuf
  commitAfterPreCommitHook commitBeforePreCommitHook compactAfterAcquiredBatchTxLock compactAfterCommitBatch
  compactAfterCommitScheduledCompact compactAfterSetFinishedCompact compactBeforeCommitBatch
  compactBeforeCommitScheduledCompact compactBeforeSetFinishedCompact defragBeforeCopy defragBeforeRename
  defragOpenFileError defragdbFail raftAfterApplySnap raftAfterSave raftAfterSaveSnap raftAfterWALRelease
  raftBeforeAdvance raftBeforeApplySnap raftBeforeFollowerSend raftBeforeLeaderSend raftBeforeSave
  raftBeforeSaveSnap raftBeforeWALSaveSnaphot raftDropHeartbeat walAfterSync walBeforeSync
`
  .trim()
  .split(/\s+/);

const pintle = fileURLToPath(new URL("../bin/pintle", import.meta.url));

describe("failpoints of a member", function () {
  this.timeout(120_000);
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "pintle-failpoints-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("have etcd's names, or say why they are not there", () => {
    const here = new Set(failpointNames());
    const absent = new Set(Object.keys(absentFailpoints));
    assert.deepEqual(
      ofEtcd.filter((name) => here.has(name) === absent.has(name)),
      [],
    );
    assert.deepEqual(
      [...absent].filter((name) => !ofEtcd.includes(name)),
      [],
    );
  });

  const start = async (env: Readonly<Record<string, string>>) => {
    const [client, peer] = await freePorts(2);
    const urls = { client: `http://127.0.0.1:${must(client, "a port")}`, peer: `http://127.0.0.1:${peer}` };
    const child = spawn(
      process.execPath,
      [
        pintle,
        "store",
        `--data-dir=${folder}/data`,
        `--listen-client-urls=${urls.client}`,
        `--advertise-client-urls=${urls.client}`,
        `--listen-peer-urls=${urls.peer}`,
        `--initial-advertise-peer-urls=${urls.peer}`,
        `--initial-cluster=default=${urls.peer}`,
      ],
      { env: { ...process.env, PINTLE_FROM_SOURCE: "1", ...env }, stdio: ["ignore", "ignore", "pipe"] },
    );
    let said = "";
    const { promise: ready, resolve } = deferred<void>();
    const ended = once(child, "close");
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk;
      if (said.includes("ready to serve client requests")) resolve();
    });
    ended.then(() => resolve());
    return { child, url: urls.client, ready, ended, said: () => said };
  };

  it("are armed over HTTP, and end the process where it stands", async () => {
    const [port] = await freePorts(1);
    const member = await start({ GOFAIL_HTTP: `127.0.0.1:${port}` });
    const client = openStoreClient({ endpoints: [member.url] }, { clock: systemClock, random: systemRandom });
    try {
      await member.ready;
      await client.put("a", "1");
      const listed = await (await fetch(`http://127.0.0.1:${port}/`)).text();
      assert.deepEqual(
        listed.match(/^[^=\n]+/gm),
        [...failpointNames()].filter((name) => !name.startsWith("test")),
      );
      const put = await fetch(`http://127.0.0.1:${port}/raftAfterSave`, { method: "PUT", body: "panic" });
      assert.equal(put.status, 204);
      await assert.rejects(client.put("a", "2"));
      assert.equal((await member.ended)[0], 2);
      assert.match(member.said(), /^panic: failpoint panic: \{\}$/m);
    } finally {
      client.close();
      member.child.kill("SIGKILL");
      await member.ended;
    }
  });

  it("are armed from the start, and refused by name where there is none", async () => {
    const armed = await start({ GOFAIL_FAILPOINTS: 'beforePublishing=panic("too early")' });
    assert.equal((await armed.ended)[0], 2);
    assert.match(armed.said(), /^panic: failpoint panic: too early$/m);
    const refused = await start({ GOFAIL_FAILPOINTS: "beforeStartDBTxn=panic" });
    assert.notEqual((await refused.ended)[0], 0);
    assert.match(refused.said(), /beforeStartDBTxn: the database has no transactions/);
  });
});
