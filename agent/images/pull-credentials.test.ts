import { strict as assert } from "node:assert";
import type { Secret } from "../../client/types.ts";
import { pullCredentials } from "./pull-credentials.ts";
import { parseReference } from "./reference.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");
const secret = (name: string, type: string, data: Record<string, string>): Secret => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: {
    namespace: "n",
    name,
    uid: `uid-${name}`,
    resourceVersion: "1",
    creationTimestamp: "2026-01-01T00:00:00Z",
  },
  type: `kubernetes.io/${type}`,
  data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, base64(text)])),
});
const json = (name: string, auths: Record<string, object>) =>
  secret(name, "dockerconfigjson", { ".dockerconfigjson": JSON.stringify({ auths }) });
const users = (image: string, ...secrets: Secret[]) =>
  pullCredentials(secrets, parseReference(image)).map(({ username }) => username);
const as = (username: string) => ({ username, password: "p" });

describe("pull secrets", () => {
  it("are tried for the longest path first, whichever secret they are from", () => {
    const wide = json("wide", { "quay.test": as("all"), "other.test": as("other") });
    const narrow = json("narrow", {
      "https://quay.test/v2/team": as("team"),
      "quay.test/team/app": as("app"),
    });
    assert.deepEqual(users("quay.test/team/app:1", wide, narrow), ["app", "team", "all"]);
    assert.deepEqual(users("quay.test/others/app:1", wide, narrow), ["all"]);
    assert.deepEqual(users("quay.test:5000/team/app:1", wide, narrow), []);
    assert.deepEqual(users("sub.quay.test/team/app:1", wide, narrow), []);
  });

  it("match hosts part by part, with stars", () => {
    const glob = json("glob", { "*.test": as("star"), "r?g.*.test:5000": as("port") });
    assert.deepEqual(users("quay.test/app:1", glob), ["star"]);
    assert.deepEqual(users("a.quay.test/app:1", glob), []);
    assert.deepEqual(users("reg.eu.test:5000/app:1", glob), ["port"]);
    assert.deepEqual(users("rog.test:5000/app:1", glob), []);
    // Ends soon: the matching does not try all ways to spread the stars.
    const many = json("many", { [`${"*a".repeat(40)}b.test`]: as("never") });
    assert.deepEqual(users(`${"a".repeat(200)}.test/app:1`, many), []);
  });

  it("know Docker Hub by its old name", () => {
    const hub = json("hub", { "https://index.docker.io/v1/": as("hub") });
    assert.deepEqual(users("nginx", hub), ["hub"]);
    assert.deepEqual(users("docker.io/team/app:1", hub), ["hub"]);
    assert.deepEqual(users("quay.test/app:1", hub), []);
  });

  it("are read in the old form too, and from `auth`", () => {
    const auth = base64("ada:with:colons");
    const old = secret("old", "dockercfg", { ".dockercfg": JSON.stringify({ "quay.test": { auth } }) });
    const [found] = pullCredentials([old], parseReference("quay.test/app:1"));
    assert.deepEqual([found?.username, found?.password], ["ada", "with:colons"]);
    assert.deepEqual(found?.secret, { namespace: "n", name: "old", uid: "uid-old" });
    assert.deepEqual(users("quay.test/app:1", secret("no", "basic-auth", { ".dockercfg": "{" })), []);
  });

  it("are named when they cannot be read", () => {
    const broken = secret("broken", "dockerconfigjson", { ".dockerconfigjson": "{" });
    assert.throws(() => users("quay.test/app:1", broken), /^ImageError: pull secret n\/broken is no JSON$/);
    const wrong = json("wrong", { "quay.test": { auth: base64("nocolon") } });
    assert.throws(() => users("quay.test/app:1", wrong), /n\/wrong: unable to parse auth field/);
  });
});
