import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../base/os/clock.ts";
import { chartSource, type PrometheusGiven } from "./chart-source.ts";

describe("where the dashboard's charts are to come from", () => {
  let folder: string;
  const token = () => join(folder, "token");
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "pintle-charts-"));
    writeFileSync(token(), "secret\n");
    writeFileSync(join(folder, "two"), "two words");
  });
  after(() => rmSync(folder, { recursive: true }));

  const source = (given: PrometheusGiven, prefix?: string) =>
    chartSource(given, { clock: systemClock, ...(prefix !== undefined && { prefix }) });

  it("is itself where nothing is said, and a Prometheus where its URL is", async () => {
    assert.equal(await source({}), undefined);
    for (const url of ["http://prometheus:9090", "https://example.com/prom/", "http://[::1]:9090"])
      assert.equal((await source({ "prometheus-url": url }))?.ranges.at(-1), "7d");
    await source({ "prometheus-url": "https://example.com", "prometheus-token-file": token() });
    await source({ "prometheus-url": "http://127.0.0.1:9090", "prometheus-token-file": token() });
  });

  it("is refused by the flag's name where it cannot be", async () => {
    const url = (text: string, more: PrometheusGiven = {}) => ({ "prometheus-url": text, ...more });
    for (const [given, word] of [
      [{ "prometheus-ca-file": "x" }, /: --prometheus-url: must be given, too$/],
      [url("prometheus:9090"), /: --prometheus-url: .* must be an http or https URL$/],
      [url("file:///etc/passwd"), /: --prometheus-url: /],
      [url("http://me:secret@p"), /: --prometheus-url: must have neither user/],
      [url("http://p/?a=b"), /: --prometheus-url: must have neither user/],
      [url("http://p", { "prometheus-ca-file": token() }), /: --prometheus-ca-file: is of no use/],
      [url("http://p", { "prometheus-token-file": token() }), /: --prometheus-token-file: .* https alone$/],
      [
        url("https://p", { "prometheus-token-file": join(folder, "none") }),
        /: --prometheus-token-file: cannot read/,
      ],
      [
        url("https://p", { "prometheus-token-file": join(folder, "two") }),
        /: --prometheus-token-file: .* one word/,
      ],
      [
        url("https://p", { "prometheus-ca-file": join(folder, "none") }),
        /: --prometheus-ca-file: cannot read/,
      ],
    ] as const)
      await assert.rejects(source(given), word, JSON.stringify(given));
    await assert.rejects(source(url("x"), "dashboard-"), /^UsageError: --dashboard-prometheus-url: /);
  });
});
