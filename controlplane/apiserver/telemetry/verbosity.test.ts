import assert from "node:assert/strict";
import { createLog } from "../../../base/os/log.ts";
import { startTestApiserver } from "../testing.ts";

interface Line {
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** What is logged at that level of one request by somebody known, and one by a token that nobody knows. */
async function linesAt(verbosity: number): Promise<readonly Line[]> {
  const lines: Line[] = [];
  const log = createLog({ level: "info", format: "json", write: (line) => lines.push(JSON.parse(line)) });
  const server = await startTestApiserver({ log, config: { telemetry: { verbosity } } });
  lines.length = 0;
  await server.admin.call("GET", "/api/v1/namespaces/default", { headers: { cookie: "a=secret" } });
  await server.stranger.call("GET", "/api", { headers: { authorization: "Bearer secret" } });
  await server.stop();
  return lines;
}

describe("the levels of --v", () => {
  const levels = [0, 1, 2, 3, 4, 5, 6];
  const all = new Map<number, readonly Line[]>();
  before(async () => {
    for (const level of levels) all.set(level, await linesAt(level));
  });
  const from = (level: number, name: string, holds: (lines: readonly Line[]) => boolean) =>
    it(`add, from ${level} on: ${name}`, () => {
      const found = levels.filter((one) => holds(all.get(one) ?? []));
      assert.deepEqual(
        found,
        levels.filter((one) => one >= level),
      );
    });
  const request = (lines: readonly Line[]) =>
    lines.find((line) => line.msg === "HTTP" && line.URI === "/api/v1/namespaces/default");

  from(1, "why a credential does not hold", (lines) =>
    lines.some(({ msg }) => msg === "a credential does not hold"),
  );
  from(3, "a line for each request", (lines) => request(lines)?.resp === 200);
  from(4, "its user", (lines) => request(lines)?.user === "admin");
  from(5, "the steps of each request", (lines) =>
    lines.some((line) => line.msg === "Trace" && line.url === "/api/v1/namespaces/default"),
  );
  from(6, "its head", (lines) => request(lines)?.headers !== undefined);

  it("tell no credential, at whatever level", () => {
    for (const lines of all.values()) assert.ok(!JSON.stringify(lines).includes("secret"));
  });
});
