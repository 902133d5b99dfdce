import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setKernel } from "./kernel-settings.ts";

describe("what IPVS needs of the kernel's settings", () => {
  const zero = ["vs/conntrack", "vs/expire_nodest_conn", "vs/expire_quiescent_template", "ip_forward"];
  const arp = ["conf/all/arp_ignore", "conf/all/arp_announce"];
  let root: string;
  const at = (name: string) => join(root, "net/ipv4", name);
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "pintle-settings-"));
    for (const name of [...zero, ...arp]) {
      await mkdir(dirname(at(name)), { recursive: true });
      await writeFile(at(name), "0\n");
    }
  });
  afterEach(() => rm(root, { recursive: true }));

  it("is set, and left alone where it is stricter already", async () => {
    await writeFile(at("conf/all/arp_ignore"), "2\n");
    await setKernel(root);
    const found = await Promise.all([...zero, ...arp].map((name) => readFile(at(name), "latin1")));
    assert.deepEqual(found, ["1", "1", "1", "1", "2\n", "2"]);
  });

  it("is said by name where the kernel was built without it", async () => {
    await unlink(at("vs/conntrack"));
    await assert.rejects(
      setKernel(root),
      /--proxy-mode ipvs: this kernel has no setting net\.ipv4\.vs\.conntrack$/,
    );
  });
});
