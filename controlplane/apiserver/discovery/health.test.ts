import assert from "node:assert/strict";
import { silentLog } from "../../../base/os/log.ts";
import { ApiError } from "../api-error.ts";
import type { HealthDeps, HealthPath } from "./health.ts";
import { health } from "./health-routes.ts";
import { HealthSlis } from "./health-slis.ts";

const well: HealthDeps = {
  storage: { revision: async () => 7 },
  hub: { revision: 7 },
  accepting: () => true,
  bootstrapped: () => true,
  isAggregated: () => true,
  isBounded: () => true,
};

describe("the health paths", () => {
  const ask = async (path: HealthPath, one = "", query = "", deps: HealthDeps = well) => {
    const { code, body } = await health(path, one, {
      query: new URLSearchParams(query),
      deps,
      log: silentLog,
      slis: new HealthSlis(),
    });
    return [code, String(body)] as const;
  };

  it("say ok in a word, and check by check when asked", async () => {
    for (const path of ["livez", "readyz", "healthz"] as const)
      assert.deepEqual(await ask(path), [200, "ok"]);
    const [code, text] = await ask("livez", "", "verbose=false");
    assert.equal(code, 200);
    assert.match(text, /^\[\+\]ping ok\n\[\+\]etcd ok\n\[\+\]poststarthook\//);
    assert.match(text, /\nlivez check passed\n$/);
  });

  it("have kube-apiserver's names: readiness has three checks more than life", async () => {
    const names = async (path: HealthPath) =>
      [...(await ask(path, "", "verbose"))[1].matchAll(/^\[\+\](\S+) ok$/gm)].map((match) => match[1]);
    const life = await names("livez");
    assert.deepEqual(await names("healthz"), life);
    const more = (await names("readyz")).filter((name) => !life.includes(name));
    assert.deepEqual(more, ["etcd-readiness", "informer-sync", "shutdown"]);
  });

  it("withhold reasons from everybody, and tell them to who may ask for one check", async () => {
    const storage = { revision: () => Promise.reject(new Error("no leader")) };
    const [code, text] = await ask("livez", "", "", { ...well, storage });
    assert.equal(code, 500);
    assert.match(text, /^\[\+\]ping ok\n\[-\]etcd failed: reason withheld\n[\s\S]*\nlivez check failed\n$/);
    assert.deepEqual(await ask("livez", "etcd", "", { ...well, storage }), [
      500,
      "internal server error: no leader\n",
    ]);
    assert.deepEqual(await ask("livez", "ping", "verbose", { ...well, storage }), [200, "ok"]);
    await assert.rejects(ask("livez", "shutdown"), ApiError);
  });

  it("leave out what is to be left out, and say what there is not", async () => {
    const stopping = { ...well, accepting: () => false };
    assert.equal((await ask("readyz", "", "", stopping))[0], 500);
    assert.equal((await ask("livez", "", "", stopping))[0], 200);
    assert.deepEqual(await ask("readyz", "", "exclude=shutdown", stopping), [200, "ok"]);
    const [, text] = await ask("readyz", "", "verbose&exclude=shutdown&exclude=z&exclude=a", stopping);
    assert.match(
      text,
      /\[\+\]shutdown excluded: ok\nwarn: some health checks cannot be excluded: no matches for "a","z"\nreadyz check passed\n$/,
    );
  });
});
