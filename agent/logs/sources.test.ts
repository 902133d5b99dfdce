import assert from "node:assert/strict";
import { mkdir, mkdtemp, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { type LogFolders, podLogFolders } from "./folders.ts";
import { keepPodLogs, keepRunLogs, linkRotatedLogs } from "./keep-logs.ts";
import { writeLabels } from "./log-labels.ts";
import { type LogSource, listLogSources } from "./sources.ts";

describe("the logs of a node", () => {
  let root: string;
  let folders: LogFolders;
  let secondsAgo: number;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "pintle-logs-"));
    folders = {
      ...podLogFolders(join(root, "logs")),
      components: [join(root, "components")],
      audit: [join(root, "audit", "audit.log")],
    };
    secondsAgo = 1_000;
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  /** Each was written to later than the one before. */
  const write = async (path: string, text = "x\n") => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    const at = 1_790_000_000 - secondsAgo--;
    await utimes(path, at, at);
    return path;
  };
  const web = (name: string) => join(appFolder(), name);
  const appFolder = () => join(folders.live, "shop_web-1_u1", "app");
  const shown = ({ id, files }: LogSource) => [id, ...files.map(({ path }) => basename(path))];
  const listed = async () => (await listLogSources(folders)).map(shown);

  it("are one a run of a container, with the files that it went on from and the labels that it was started with", async () => {
    for (const name of ["0.log", "1.log.2", "1.log.1", "1.log", "1.log.bak", "x"]) await write(web(name));
    await writeLabels(appFolder(), 1, { app: "web" });
    await write(join(folders.live, "no-pod", "app", "0.log"));
    const [first, second, ...more] = await listLogSources(folders);
    assert.deepEqual(more, []);
    assert.deepEqual(
      [first, second].map((one) => one && shown(one)),
      [
        ["container/shop/web-1/u1/app/0", "0.log"],
        ["container/shop/web-1/u1/app/1", "1.log.2", "1.log.1", "1.log"],
      ],
    );
    const about = { kind: "container", namespace: "shop", pod: "web-1", podUid: "u1", container: "app" };
    assert.deepEqual(first?.origin, { ...about, restart: 0, labels: {} });
    assert.deepEqual(second?.origin, { ...about, restart: 1, labels: { app: "web" } });
  });

  it("are looked for in one namespace where no other is asked for", async () => {
    await write(web("0.log"));
    await write(join(folders.live, "sho_web_u2", "app", "0.log"));
    const found = await listLogSources(folders, { kinds: new Set(["container"]), namespace: "sho" });
    assert.deepEqual(found.map(shown), [["container/sho/web/u2/app/0", "0.log"]]);
  });

  it("do not lead elsewhere by a link", async () => {
    await write(join(root, "secret"));
    await write(web("1.log"));
    await symlink(join(root, "secret"), web("0.log"));
    assert.deepEqual(await listed(), [["container/shop/web-1/u1/app/1", "1.log"]]);
  });

  it("outlive their pod, its labels too", async () => {
    for (const name of ["0.log.1", "0.log"]) await write(web(name));
    await writeLabels(appFolder(), 0, { app: "web" });
    const [before] = await listLogSources(folders);
    await keepPodLogs(folders, "shop_web-1_u1");
    await keepPodLogs(folders, "shop_web-1_u1");
    const [after, ...more] = await listLogSources(folders);
    assert.deepEqual(more, []);
    assert.deepEqual(after?.origin, before?.origin);
    assert.deepEqual(after?.origin.kind === "container" && after.origin.labels, { app: "web" });
    const inos = (one?: LogSource) => one?.files.map(({ ino }) => ino);
    assert.deepEqual(inos(after), inos(before));
    assert.ok(after?.files.every(({ path }) => path.startsWith(folders.kept)));
  });

  it("of a run that is removed are kept, and those of the next stay", async () => {
    for (const name of ["0.log", "1.log"]) await write(web(name));
    await keepRunLogs(folders, "shop_web-1_u1", { container: "app", attempt: 0 });
    const places = (await listLogSources(folders)).map(({ id, files }) => [
      id.at(-1),
      files.map(({ path }) => path.startsWith(folders.kept)),
    ]);
    assert.deepEqual(places, [
      ["1", [false]],
      ["0", [true]],
    ]);
  });

  it("are linked before a runtime drops them, and known to be one file as long as they have both names", async () => {
    for (const name of ["0.log.2", "0.log.1", "0.log"]) await write(web(name));
    await linkRotatedLogs(folders);
    await linkRotatedLogs(folders);
    assert.deepEqual(await listed(), [["container/shop/web-1/u1/app/0", "0.log.2", "0.log.1", "0.log"]]);
    const [before] = await listLogSources(folders);
    // As the runtime does it.
    await rename(web("0.log.1"), web("0.log.2"));
    await rename(web("0.log"), web("0.log.1"));
    await write(web("0.log"));
    const [after] = await listLogSources(folders);
    assert.equal(after?.files.length, 4);
    assert.deepEqual(
      after?.files.slice(0, 3).map(({ ino }) => ino),
      before?.files.map(({ ino }) => ino),
    );
    await linkRotatedLogs(folders);
    await keepPodLogs(folders, "shop_web-1_u1");
    const [kept] = await listLogSources(folders);
    assert.deepEqual(
      kept?.files.map(({ ino }) => ino),
      after?.files.map(({ ino }) => ino),
    );
  });

  it("are those of components and API servers, too, with what was put aside", async () => {
    await write(join(root, "components", "scheduler-2026-11-28T12-00-00.000.log"));
    await write(join(root, "components", "scheduler.log"));
    await write(join(root, "audit", "audit-2026-11-28T12-00-00.000.log"));
    await write(join(root, "audit", "audit.log"));
    await write(join(root, "audit", "other.log"));
    assert.deepEqual(await listed(), [
      ["component/scheduler", "scheduler-2026-11-28T12-00-00.000.log", "scheduler.log"],
      [`audit/${folders.audit[0]}`, "audit-2026-11-28T12-00-00.000.log", "audit.log"],
    ]);
  });
});
