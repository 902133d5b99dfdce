import type { Page } from "playwright-core";

export interface View {
  /** `{pod}` is one of the storefront's. */
  readonly address: string;
  /** Resolves when what is to be seen is there. */
  settle(page: Page): Promise<void>;
}

const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();

/** By the names of their files. */
export const views: Readonly<Record<string, View>> = {
  overview: {
    address: "/",
    async settle(page) {
      await page.getByText("checkout:2.4.0").first().waitFor();
      await page.getByText("CPU used, last hour").waitFor();
      await page.getByRole("row").filter({ hasText: "deployment/checkout" }).waitFor();
      await page.getByText("of 18, ").waitFor();
    },
  },
  pods: {
    address: "/k/core/pods",
    settle: (page) => page.getByRole("row").filter({ hasText: "mailer-" }).first().waitFor(),
  },
  object: {
    address: "/k/apps/statefulsets/shop/basket",
    settle: (page) => page.getByRole("link", { name: "Pod basket-2" }).waitFor(),
  },
  why: {
    address: "/k/apps/deployments/shop/checkout",
    settle: (page) => page.getByText("its registry has none of this name and tag").waitFor(),
  },
  edit: {
    address: "/k/apps/deployments/shop/catalogue?tab=yaml",
    async settle(page) {
      await press(page, "Edit");
      await page.getByText("Nothing is wrong as far as the schema tells").waitFor();
      await page.locator(".cm-line").filter({ hasText: "replicas: 2" }).first().click();
      await page.keyboard.press("End");
      await page.keyboard.press("Backspace");
      await page.keyboard.type("4\nminReadySeconds: 5");
      await page.keyboard.press("Escape");
      await press(page, "Review");
      await page.getByRole("region", { name: "What would change" }).scrollIntoViewIfNeeded();
    },
  },
  logs: {
    address: "/k/apps/deployments/shop/storefront?tab=logs",
    settle: (page) => page.getByText("checkout does not answer").nth(2).waitFor(),
  },
  terminal: {
    address: "/k/core/pods/shop/{pod}?tab=terminal",
    async settle(page) {
      await page.locator(".xterm-helper-textarea").waitFor();
      await page.keyboard.type("PS1='\\[\\e[36m\\]storefront\\[\\e[0m\\] \\$ '; clear; echo ready\n");
      const rows = page.locator(".xterm-rows");
      await rows.getByText("ready", { exact: true }).waitFor();
      await page.keyboard.type("ls config\n");
      await rows.getByText("storefront.yaml", { exact: true }).waitFor();
      await rows.getByText(/^storefront # *$/).waitFor();
      await page.keyboard.type("cat config/storefront.yaml\n");
      await rows.getByText("cacheSeconds: 30").waitFor();
      await page.keyboard.type("echo $?\n");
      await rows.getByText("0", { exact: true }).waitFor();
    },
  },
  charts: {
    address: "/k/apps/deployments/search/product-search?tab=charts&range=2h",
    async settle(page) {
      await page.locator(".plot canvas").nth(1).waitFor();
      await page.waitForFunction(
        `Number(document.querySelector(".plot").getAttribute("aria-valuemax")) > 400`,
      );
    },
  },
  map: {
    address: "/map?ns=shop",
    settle: (page) => page.getByRole("link", { name: /basket StatefulSet · ● 3 pods ready/ }).waitFor(),
  },
  drain: {
    address: "/k/core/nodes/_/worker-2?tab=drain",
    settle: (page) => page.getByRole("row").filter({ hasText: "stays" }).first().waitFor(),
  },
  go: {
    address: "/k/core/pods",
    async settle(page) {
      await page.keyboard.press("Control+k");
      await page.getByText(/^Names in \d+ kinds are looked through/).waitFor();
      await page.getByRole("combobox", { name: "Kind, namespace, name or label" }).fill("check");
      await page.getByRole("option", { name: /^checkout Deployment/ }).waitFor();
    },
  },
};
