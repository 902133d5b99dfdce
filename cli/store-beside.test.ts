import { deepStrictEqual, rejects, throws } from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../base/os/clock.ts";
import { parseFlags, UsageError } from "../base/os/flags.ts";
import { systemRandom } from "../base/os/random.ts";
import { GrpcTransport } from "../store/client/grpc/grpc-transport.ts";
import { openStoreClient } from "../store/client/open-client.ts";
import { storeFlags } from "../store/flags.ts";
import { ThreadTransport } from "../store/thread/thread-transport.ts";
import { startStoreThread } from "./store-beside.ts";

describe("a store in a thread of its own", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pintle-thread-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const start = (...more: readonly string[]) => {
    const { flags } = parseFlags(storeFlags, [
      "--name=m",
      `--data-dir=${join(folder, "m")}`,
      "--listen-client-urls=http://127.0.0.1:0",
      "--advertise-client-urls=http://127.0.0.1:9",
      "--listen-peer-urls=http://127.0.0.1:0",
      "--initial-advertise-peer-urls=http://127.0.0.1:9",
      "--initial-cluster=m=http://127.0.0.1:9",
      ...more,
    ]);
    return startStoreThread(flags, { level: "error", format: "text" });
  };

  it("keeps what it was told, through a stop and a start", async () => {
    for (const before of [undefined, "1"]) {
      const store = start();
      await store.started;
      const [url = ""] = store.clientUrls;
      const transport = new ThreadTransport(store, new GrpcTransport());
      const client = openStoreClient(
        { endpoints: [url] },
        { clock: systemClock, random: systemRandom, transport },
      );
      const { kv } = await client.get("a");
      deepStrictEqual(kv && Buffer.from(kv.value).toString(), before);
      await client.put("a", "1");
      client.close();
      await store.stop();
      await store.done;
    }
  });

  it("says what is wrong with its flags and its folder, as in the main thread", async () => {
    throws(() => start("--heartbeat-interval=0"), UsageError);
    writeFileSync(join(folder, "file"), "");
    await rejects(start(`--data-dir=${join(folder, "file", "m")}`).started, /file/);
  });
});
