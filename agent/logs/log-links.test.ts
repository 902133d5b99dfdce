import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dropDeadLinks, linkLog, linkName } from "./log-links.ts";

/** Of Fluent Bit's kubernetes filter, which takes a tag made of the path. */
const fluentBit =
  /(?<pod_name>[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)_(?<namespace_name>[^_]+)_(?<container_name>.+)-(?<docker_id>[a-z0-9]{64})\.log$/;

describe("links to containers' logs", () => {
  let folder: string;
  let logsDir: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pintle-links-"));
    logsDir = join(folder, "logs");
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const container = (attempt: number) => ({
    pod: { name: "web-1", namespace: "shop", uid: "u1" },
    name: "app-server",
    attempt,
    id: `1a41436ff1154e7597d7781ae30bd62${attempt}`,
  });

  it("are named so that readers know whose log it is", () => {
    const found = fluentBit.exec(linkName(container(0)))?.groups;
    assert.deepEqual(
      [found?.pod_name, found?.namespace_name, found?.container_name],
      ["web-1", "shop", "app-server"],
    );
    assert.ok(found?.docker_id?.startsWith(container(0).id));
    const long = { ...container(0), id: "f".repeat(64) };
    assert.equal(fluentBit.exec(linkName(long))?.groups?.docker_id, long.id);
  });

  it("lead to where logs usually are, and go when their logs do", async () => {
    const logs = join(logsDir, "shop_web-1_u1", "app-server");
    mkdirSync(logs, { recursive: true });
    for (const attempt of [0, 1]) {
      await linkLog(logsDir, container(attempt));
      writeFileSync(join(logs, `${attempt}.log`), "");
    }
    await linkLog(logsDir, container(1));
    const links = `${logsDir}-links`;
    assert.deepEqual(
      readdirSync(links).sort(),
      [0, 1].map((attempt) => linkName(container(attempt))),
    );
    assert.equal(
      readlinkSync(join(links, linkName(container(1)))),
      "/var/log/pods/shop_web-1_u1/app-server/1.log",
    );
    rmSync(join(logs, "0.log"));
    writeFileSync(join(links, "somebody-else"), "");
    await dropDeadLinks(logsDir);
    assert.deepEqual(readdirSync(links).sort(), ["somebody-else", linkName(container(1))].sort());
    await dropDeadLinks(join(folder, "none"));
  });
});
