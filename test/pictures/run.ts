import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Page } from "playwright-core";
import { kinds } from "../../client/kube/kinds.ts";
import { startCluster } from "../../cluster/start-cluster.ts";
import { BrowserDashboard, show } from "../e2e/browser-dashboard.ts";
import { measuredBefore, serveUsage } from "../e2e/dashboard-usage.ts";
import {
  behaviours,
  campaign,
  definitions,
  nodes,
  objects,
  release,
  wellAtFirst,
} from "./example-application.ts";
import { type View, views } from "./views.ts";

/** Takes the pictures of the dashboard for the documentation, light and dark: npm run docs:screenshots. Other widths are to be
 *  looked at (`--width 360 --png --folder narrow`), and `--only` names views. */
const { values } = parseArgs({
  options: {
    folder: { type: "string", default: join(import.meta.dirname, "../../docs/pictures/dashboard") },
    width: { type: "string", default: "1280" },
    height: { type: "string", default: "800" },
    png: { type: "boolean", default: false },
    only: { type: "string", multiple: true },
  },
});

await using cluster = await startCluster({ nodes, pods: behaviours });
const browser = await BrowserDashboard.open();
try {
  await mkdir(values.folder, { recursive: true });
  await cluster.apply([...definitions, ...objects]);
  await Promise.all(wellAtFirst.map((one) => cluster.untilReady(one)));
  await cluster.apply([campaign, release]);
  const { items } = await cluster.client.list(kinds.Pod);
  const pods = items.map(({ metadata: { name, namespace = "", labels = {} } }) => ({
    name,
    namespace,
    labels,
  }));
  await serveUsage(cluster, pods);
  const usageMemory = measuredBefore(cluster.nodes, pods, Date.now());
  const dashboard = await browser.serve(cluster, undefined, { parts: { usageMemory } });
  const size = { width: Number(values.width), height: Number(values.height) };
  const pod = pods.find(({ name }) => name.startsWith("storefront-"))?.name ?? "";
  let bytes = 0;
  const chosen = Object.entries(views).filter(([name]) => !values.only || values.only.includes(name));
  for (const [name, view] of chosen)
    for (const colorScheme of ["light", "dark"] as const) {
      const page = await browser.page(dashboard.link(), { viewport: size, colorScheme });
      await take(page, view);
      const png = await page.screenshot({ animations: "disabled" });
      const picture = values.png ? png : await webp(png);
      await writeFile(join(values.folder, `${name}-${colorScheme}.${values.png ? "png" : "webp"}`), picture);
      bytes += picture.length;
      await page.close();
    }
  process.stdout.write(`${2 * chosen.length} pictures, ${Math.round(bytes / 1000)} kB\n`);

  async function take(page: Page, { address, settle }: View): Promise<void> {
    await show(page, address.replace("{pod}", pod));
    await settle(page);
    await page.evaluate("document.fonts.ready");
  }

  /** The browser writes WebP, smaller than any PNG. */
  async function webp(png: Buffer): Promise<Buffer> {
    const page = await browser.empty();
    const url = (await page.evaluate(`(async () => {
      const image = new Image();
      image.src = "data:image/png;base64,${png.toString("base64")}";
      await image.decode();
      const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
      canvas.getContext("2d").drawImage(image, 0, 0);
      return canvas.toDataURL("image/webp", 0.8);
    })()`)) as string;
    await page.close();
    return Buffer.from(url.slice(url.indexOf(",") + 1), "base64");
  }
} finally {
  await browser.close();
}
