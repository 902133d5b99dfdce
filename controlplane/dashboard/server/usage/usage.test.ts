import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock } from "../../../../base/os/clock.ts";
import { createLog } from "../../../../base/os/log.ts";
import { systemRandom } from "../../../../base/os/random.ts";
import type { Assets } from "../assets.ts";
import { type Dashboard, serveDashboard } from "../serve-dashboard.ts";
import { readQuestion, rightFor } from "./question.ts";
import type { SourceAnswer, UsageSource } from "./usage.ts";
import { UsageMemory } from "./usage-memory.ts";

const usage = { cpu: "1", memory: "1Gi" };
const podMetrics = (namespace: string) => ({
  metadata: { name: "p", namespace, labels: { app: "x" } },
  containers: [{ name: "c", usage }],
});

describe("what was used, as somebody asks for it", () => {
  let api: Server;
  let dashboard: Dashboard;
  let seen: { readonly who: string; readonly url: string; readonly body: string }[];
  let metricsCode: number;
  let fromElsewhere: () => Promise<SourceAnswer>;

  before(async () => {
    api = createServer(
      (request, response) =>
        void answer(request).then(([code, body]) =>
          response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(body)),
        ),
    );
    await new Promise<void>((resolve) => api.listen(0, "127.0.0.1", () => resolve()));
  });
  after(async () => {
    api.closeAllConnections();
    await new Promise((resolve) => api.close(resolve));
  });

  /** Ana reads namespace a, the administrator everything. */
  async function answer(request: IncomingMessage): Promise<readonly [number, unknown]> {
    let body = "";
    for await (const piece of request) body += piece;
    const { url = "" } = request;
    const who = request.headers.authorization ?? "";
    seen.push({ who, url, body });
    if (url.endsWith("/selfsubjectreviews")) return [201, { status: { userInfo: { username: "ana" } } }];
    if (url.endsWith("/selfsubjectaccessreviews")) {
      const { namespace } = JSON.parse(body).spec.resourceAttributes;
      return [
        201,
        { status: { allowed: who === "Bearer admin" || namespace === "a", reason: "none of yours" } },
      ];
    }
    if (who !== "Bearer admin") return [403, { message: "you may not" }];
    if (metricsCode !== 200) return [metricsCode, { message: "no such group" }];
    if (url.endsWith("/nodes")) return [200, { items: [{ metadata: { name: "n" }, usage }] }];
    return [200, { items: [podMetrics("a"), podMetrics("b")] }];
  }

  const serve = (usageSource?: UsageSource) =>
    serveDashboard(
      {
        address: "127.0.0.1",
        port: 0,
        allowedHosts: [],
        cluster: {
          servers: [`http://127.0.0.1:${(api.address() as AddressInfo).port}`],
          token: "admin",
          namespace: "default",
        },
        tokens: true,
        usageSource,
      },
      {
        assets: {} as Assets,
        clock: systemClock,
        random: systemRandom,
        log: createLog({ write: () => undefined }),
        usageMemory: new UsageMemory(),
      },
    );
  beforeEach(async () => {
    seen = [];
    metricsCode = 200;
    dashboard = await serve();
  });
  afterEach(() => dashboard.close());

  async function enter(by: object): Promise<Record<string, string>> {
    const answered = await fetch(`${dashboard.url}/session`, { method: "POST", body: JSON.stringify(by) });
    const cookie = answered.headers.get("set-cookie")?.split(";")[0] ?? "";
    return { cookie, "x-pintle-key": ((await answered.json()) as { key: string }).key };
  }
  const admin = () => enter({ code: dashboard.link().split("#code=")[1] });
  const ana = () => enter({ token: "ana" });

  async function ask(query: string, headers: Record<string, string> = {}) {
    const answered = await fetch(`${dashboard.url}/usage?${query}`, { headers });
    return { code: answered.status, said: (await answered.json()) as Record<string, unknown> };
  }

  it("is measured as the dashboard's own user, and told to who may see it", async () => {
    const { code, said } = await ask("of=pod&namespace=a&name=p", await ana());
    assert.equal(code, 200);
    assert.deepEqual(
      (said.series as { name: string; cpu: number[] }[]).map(({ name, cpu }) => [name, cpu.length]),
      [["c", 1]],
    );
    assert.deepEqual(said.notes, []);
    assert.equal(said.source, "memory");
    const measured = seen.filter(({ url }) => url.startsWith("/apis/metrics.k8s.io/"));
    assert.ok(measured.length > 0 && measured.every(({ who }) => who === "Bearer admin"));
    const review = seen.find(({ url }) => url.endsWith("accessreviews"));
    assert.equal(review?.who, "Bearer ana");
    assert.deepEqual(JSON.parse(review?.body ?? "").spec.resourceAttributes, {
      ...{ group: "metrics.k8s.io", resource: "pods", verb: "get", namespace: "a", name: "p" },
    });
  });

  it("is told to nobody of a namespace, a node or a cluster that is not theirs, though it is remembered", async () => {
    const [theirs, ours] = [await ana(), await admin()];
    for (const query of [
      "of=pod&namespace=b&name=p",
      "of=pods&namespace=b&selector=app%3Dx",
      "of=namespace&namespace=b",
      "of=node&name=n",
      "of=cluster",
    ]) {
      const refused = await ask(query, theirs);
      assert.equal(refused.code, 403, query);
      assert.match(
        String(refused.said.message),
        /^you may not (get|list) (pods|nodes)\.metrics\.k8s\.io.*: none of yours$/,
      );
      const told = await ask(query, ours);
      assert.equal(told.code, 200, query);
      assert.equal((told.said.series as unknown[]).length, 1, query);
    }
  });

  it("is for who has a session", async () => {
    assert.equal((await ask("of=cluster")).code, 401);
    assert.equal(seen.length, 0);
  });

  it("comes with a word where nothing is measured, or less than was asked for", async () => {
    metricsCode = 404;
    const { said } = await ask("of=cluster&range=7d", await admin());
    assert.deepEqual(said.notes, [
      "The dashboard remembers no more than two hours.",
      "Nothing new is measured: no such group",
    ]);
  });

  it("comes from where it is kept for longer, and else from here with a word why", async () => {
    await dashboard.close();
    dashboard = await serve({ ranges: ["1h", "7d"], ask: () => fromElsewhere() });
    const series = [{ name: "c", cpu: [0.5], memory: [1] }];
    fromElsewhere = async () => ({ set: { times: [5], series }, notes: ["some"] });
    const [theirs, ours] = [await ana(), await admin()];
    const { said } = await ask("of=cluster&range=7d", ours);
    const { source, notes, times, count, ranges } = said;
    assert.deepEqual(
      { source, notes, times, count, ranges },
      {
        ...{ source: "prometheus", notes: ["some"], times: [5], count: 1, ranges: ["1h", "7d"] },
      },
    );
    assert.equal((await ask("of=cluster&range=7d", theirs)).code, 403);
    fromElsewhere = async () => {
      throw new Error("away");
    };
    const fallen = (await ask("of=cluster", ours)).said;
    assert.equal(fallen.source, "memory");
    assert.deepEqual(fallen.notes, [
      "Prometheus has no answer (away): this is what the dashboard remembers itself.",
    ]);
    assert.equal((fallen.series as unknown[]).length, 1);
  });

  it("is refused with a word for what is no question", async () => {
    const headers = await admin();
    for (const [query, word] of [
      ["", /^of: /],
      ["of=all", /^of: /],
      ["of=cluster&range=9d", /^range: /],
      ["of=cluster&range=toString", /^range: /],
      ["of=node&name=A", /^name: /],
      ["of=node&name=..%2fx", /^name: /],
      ["of=pod&namespace=a", /^name: /],
      ["of=pods&namespace=a", /^selector: /],
      ["of=pods&namespace=a&selector=a%3D%3D%3Db%3D", /^selector: /],
      [`of=pods&namespace=a&selector=${"a".repeat(5_000)}`, /^selector: /],
    ] as const) {
      const { code, said } = await ask(query, headers);
      assert.equal(code, 400, query);
      assert.match(String(said.message), word, query);
    }
  });

  it("asks for rights to all that it tells of", () => {
    const right = (query: string) => rightFor(readQuestion(new URLSearchParams(query)).subject);
    assert.equal(right("of=cluster").verb, "list");
    assert.deepEqual(right("of=pods&namespace=a&selector=x"), {
      ...{ group: "metrics.k8s.io", resource: "pods", verb: "list", namespace: "a" },
    });
  });
});
