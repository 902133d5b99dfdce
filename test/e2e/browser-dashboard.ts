import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { type Browser, chromium, type Page } from "playwright-core";
import { systemClock } from "../../base/os/clock.ts";
import { createLog } from "../../base/os/log.ts";
import { systemRandom } from "../../base/os/random.ts";
import { loadKubeconfig } from "../../client/kubeconfig.ts";
import type { Cluster } from "../../cluster/cluster.ts";
import { Assets } from "../../controlplane/dashboard/server/assets.ts";
import {
  type Dashboard,
  type DashboardOptions,
  type DashboardParts,
  serveDashboard,
} from "../../controlplane/dashboard/server/serve-dashboard.ts";

const chromiumFile = "/usr/bin/chromium";
export const hasChromium = existsSync(chromiumFile);
const axeFile = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** Dashboards of a cluster, and a browser that looks at them; what the pages complain of is kept. */
export class BrowserDashboard {
  readonly complaints: string[] = [];
  readonly #browser: Browser;
  readonly #dashboards: Dashboard[] = [];

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async open(): Promise<BrowserDashboard> {
    return new BrowserDashboard(
      await chromium.launch({ executablePath: chromiumFile, args: ["--no-sandbox", "--disable-gpu"] }),
    );
  }

  /** As `user`, or the cluster's administrator. */
  async serve(
    cluster: Pick<Cluster, "kubeconfig">,
    user?: string,
    more: { readonly options?: Partial<DashboardOptions>; readonly parts?: Partial<DashboardParts> } = {},
  ): Promise<Dashboard> {
    const { text } = await cluster.kubeconfig(user, user === undefined ? undefined : []);
    const dashboard = await serveDashboard(
      {
        address: "127.0.0.1",
        port: 0,
        allowedHosts: [],
        cluster: loadKubeconfig("kubeconfig", { readFile: () => text }),
        tokens: true,
        ...more.options,
      },
      {
        assets: await Assets.open(),
        clock: systemClock,
        random: systemRandom,
        log: createLog({ write: () => undefined }),
        ...more.parts,
      },
    );
    this.#dashboards.push(dashboard);
    return dashboard;
  }

  /** A page that has come in by a link. */
  async page(link: string, options: object = {}): Promise<Page> {
    const page = await this.blank(options);
    await page.goto(link);
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    return page;
  }

  /** A page that has gone nowhere yet. What it does against the content policy that it is served with is complained of. */
  async blank(options: object = {}): Promise<Page> {
    const page = await this.#browser.newPage({ viewport: { width: 1280, height: 800 }, ...options });
    page.setDefaultTimeout(30_000);
    await page.exposeFunction("tellViolation", (text: string) => this.complaints.push(text));
    await page.addInitScript(`addEventListener("securitypolicyviolation", (event) =>
      tellViolation(event.violatedDirective + " forbids " + (event.blockedURI || "it") + " " + event.sample))`);
    page.on("pageerror", (error) => this.complaints.push(String(error.stack)));
    page.on("console", (message) => {
      // A browser says of each refused request that it was; the views say it, too.
      if (message.type() === "error" && !/Failed to load resource|WebSocket connection/.test(message.text()))
        this.complaints.push(message.text());
    });
    return page;
  }

  /** An empty page that no policy is of. */
  empty(): Promise<Page> {
    return this.#browser.newPage();
  }

  async close(): Promise<void> {
    await this.#browser.close();
    for (const dashboard of this.#dashboards) await dashboard.close();
  }
}

/** Shows another view without loading the page again. */
export async function show(page: Page, address: string): Promise<void> {
  const view = JSON.stringify(address);
  await page.evaluate(
    `history.pushState(undefined, "", ${view}); dispatchEvent(new PopStateEvent("popstate"))`,
  );
}

/** Fails for anything that axe finds. The content policy lets no script into the page but ours, so that it comes by the
 *  debugger's way. */
export async function assertAccessible(page: Page): Promise<void> {
  const axe = await readFile(axeFile, "utf8");
  const { passed, failed } =
    (await page.evaluate(`${axe}; axe.run(document).then(({ passes, violations }) => ({
    passed: passes.length,
    failed: violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html.slice(0, 160)).join(" | ")),
  }))`)) as { readonly passed: number; readonly failed: readonly string[] };
  assert.ok(passed > 10);
  assert.deepEqual(failed, []);
}
