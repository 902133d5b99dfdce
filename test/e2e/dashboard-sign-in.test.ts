import assert from "node:assert/strict";
import { systemClock } from "../../base/os/clock.ts";
import { silentLog } from "../../base/os/log.ts";
import { systemRandom } from "../../base/os/random.ts";
import { loadKubeconfig } from "../../client/kubeconfig.ts";
import { certificatesOnly } from "../../controlplane/apiserver/authentication/config.ts";
import { startTestApiserver, type TestApiserver } from "../../controlplane/apiserver/testing.ts";
import { Assets } from "../../controlplane/dashboard/server/assets.ts";
import { TestProvider, testClient } from "../../controlplane/dashboard/server/oidc/testing.ts";
import { type Dashboard, serveDashboard } from "../../controlplane/dashboard/server/serve-dashboard.ts";
import { assertAccessible, BrowserDashboard, hasChromium } from "./browser-dashboard.ts";

describe("signing in to the dashboard with a provider, in a browser", function () {
  this.timeout(60_000);
  let provider: TestProvider;
  let api: TestApiserver;
  let dashboard: Dashboard;
  let browser: BrowserDashboard;

  before(async function () {
    if (!hasChromium) return this.skip();
    provider = await TestProvider.start();
    provider.metadata = { end_session_endpoint: `${provider.issuer}/bye` };
    const { issuer } = provider;
    const caPem = provider.authority.certificatePem;
    const { clientId } = testClient;
    const claims = { usernameClaim: "sub", usernamePrefix: "oidc:", groupsClaim: "", groupsPrefix: "" };
    const oidc = {
      issuer,
      clientId,
      caPem,
      ...claims,
      algorithms: ["RS256"],
      requiredClaims: new Map(),
    } as const;
    api = await startTestApiserver({ config: { authentication: { ...certificatesOnly, oidc } } });
    dashboard = await serveDashboard(
      {
        address: "127.0.0.1",
        port: 0,
        allowedHosts: [],
        cluster: loadKubeconfig(api.kubeconfig),
        tokens: true,
        oidc: { issuer, ...testClient, scopes: ["openid"], caPem },
      },
      { assets: await Assets.open(), clock: systemClock, random: systemRandom, log: silentLog },
    );
    browser = await BrowserDashboard.open();
  });
  after(async () => {
    await browser?.close();
    await dashboard?.close();
    await api?.stop();
    await provider?.stop();
  });

  it("goes there and back to where one was, leaves no code in the address, and out again", async () => {
    const page = await browser.page(dashboard.link(), { ignoreHTTPSErrors: true });
    await page.evaluate(
      `fetch("/session", { method: "DELETE", headers: { "x-pintle-key": localStorage["pintle.key"] } })`,
    );
    await page.goto(`${dashboard.url}/k/core/pods?ns=default`);
    const button = page.getByRole("button", { name: `Sign in with ${new URL(provider.issuer).host}` });
    await button.waitFor();
    await assertAccessible(page);
    await button.click();
    await page.getByLabel("Signed in as oidc:jane").click();
    assert.equal(page.url(), `${dashboard.url}/k/core/pods?ns=default`);
    await page.getByRole("button", { name: "Sign out" }).click();
    const there = page.getByRole("link", { name: "Sign out at" });
    assert.equal(await there.getAttribute("href"), `${provider.issuer}/bye?client_id=pintle%3Adashboard`);
    await page.close();
  });

  it("says why the provider, or the dashboard, lets nobody in", async () => {
    const page = await browser.page(dashboard.link(), { ignoreHTTPSErrors: true });
    await page.evaluate("localStorage.clear()");
    await page.goto(
      `${dashboard.url}/oidc/callback?error=access_denied&error_description=not+%3Cb%3Eyou&state=x`,
    );
    await page.getByRole("alert").getByText("did not sign you in: access_denied, not <b>you").waitFor();
    assert.equal(page.url(), `${dashboard.url}/`);
    await page.goto(`${dashboard.url}/oidc/callback?code=stolen&state=x`);
    await page.getByRole("alert").getByText("not begun in this window").waitFor();
    provider.claims = { aud: "other" };
    await page.getByRole("button", { name: "Sign in with" }).click();
    await page.getByRole("alert").getByText('meant for "other"').waitFor();
    provider.claims = {};
    await page.close();
    assert.deepEqual(browser.complaints, []);
  });
});
