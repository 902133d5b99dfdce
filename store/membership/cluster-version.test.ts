import assert from "node:assert/strict";
import { StoreError } from "../errors.ts";
import {
  checkDowngrade,
  decidedVersion,
  downgradeTarget,
  fitsCluster,
  isDowngraded,
  noDowngrade,
  parseVersion,
  type Version,
  versionText,
} from "./cluster-version.ts";

const version = (text: string): Version => parseVersion(text) ?? assert.fail(`${text} is a version`);
const to = (targetVersion: string) => ({ enabled: true, targetVersion });
const decided = (cluster: string, members: readonly string[], downgrade = noDowngrade) => {
  const view = { clusterVersion: parseVersion(cluster), members: members.map(parseVersion), downgrade };
  const found = decidedVersion(view);
  return found && versionText(found);
};
const codeOf = (run: () => unknown) => {
  try {
    run();
    return "ok";
  } catch (error) {
    assert.ok(error instanceof StoreError);
    return error.code;
  }
};

describe("store/membership: the version of the cluster", () => {
  it("is that of the oldest member, and the lowest of all where one cannot be asked at first", () => {
    assert.equal(decided("", ["3.7.1", "3.6.4"]), "3.6.0");
    assert.equal(decided("", ["3.7.1", "?"]), "3.0.0");
  });

  it("rises when the last member is newer, and never falls by itself", () => {
    assert.equal(decided("3.6.0", ["3.7.1", "3.7.0"]), "3.7.0");
    assert.equal(decided("3.6.0", ["3.7.1", "3.6.0"]), undefined);
    assert.equal(decided("3.6.0", ["3.7.1", "?"]), undefined);
    assert.equal(decided("3.7.0", ["3.6.1"]), undefined);
    assert.equal(decided("3.7.0", ["4.0.0"]), undefined);
  });

  it("falls by one in a downgrade, and stays there", () => {
    assert.equal(decided("3.7.0", ["3.7.1", "3.7.1"], to("3.6.0")), "3.6.0");
    assert.equal(decided("3.6.0", ["3.7.1", "3.7.1"], to("3.6.0")), undefined);
    assert.equal(decided("3.7.0", ["3.7.1"], to("3.5.0")), undefined);
  });

  it("has been lowered for good once every member runs the older program", () => {
    const members = (...all: string[]) => all.map(parseVersion);
    assert.ok(isDowngraded({ members: members("3.6.9", "3.6.1"), downgrade: to("3.6.0") }));
    assert.ok(!isDowngraded({ members: members("3.6.9", "3.7.1"), downgrade: to("3.6.0") }));
    assert.ok(!isDowngraded({ members: members("3.6.9", "?"), downgrade: to("3.6.0") }));
    assert.ok(!isDowngraded({ members: members("3.6.9"), downgrade: noDowngrade }));
  });

  it("can be asked to go to the version before alone, and once", () => {
    assert.deepEqual(downgradeTarget("3.6"), version("3.6.0"));
    assert.deepEqual(downgradeTarget("3.6.4-rc.1"), version("3.6.0"));
    for (const text of ["", "3", "v3.6", "3.6.", "3.6.x", "3.6.1.2"])
      assert.equal(
        codeOf(() => downgradeTarget(text)),
        "WRONG_DOWNGRADE_VERSION_FORMAT",
        text,
      );
    const check = (target: string, cluster: string, downgrade = noDowngrade) =>
      codeOf(() => checkDowngrade(version(target), cluster, downgrade));
    assert.equal(check("3.6.0", "3.7.0"), "ok");
    assert.equal(check("3.6.0", ""), "CLUSTER_VERSION_UNAVAILABLE");
    for (const target of ["3.5.0", "3.7.0", "3.8.0", "2.6.0"])
      assert.equal(check(target, "3.7.0", to("3.6.0")), "INVALID_DOWNGRADE_TARGET", target);
    assert.equal(check("3.6.0", "3.7.0", to("3.6.0")), "DOWNGRADE_IN_PROCESS");
  });

  it("says who may join", () => {
    const fits = (own: string, cluster: string, downgrade = noDowngrade) =>
      fitsCluster(version(own), { clusterVersion: version(cluster), downgrade });
    assert.ok(fits("3.7.1", "3.7.0"));
    assert.ok(fits("3.7.1", "3.5.0"));
    assert.ok(!fits("3.7.1", "3.8.0"));
    assert.ok(!fits("3.7.1", "3.7.0", to("3.6.0")), "it would have to go again");
    assert.ok(fits("3.7.1", "3.8.0", to("3.7.0")));
  });
});
