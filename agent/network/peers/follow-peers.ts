import { deferred } from "../../../base/deferred.ts";
import { sleep } from "../../../base/os/clock.ts";
import type { Os } from "../../../base/os/os.ts";
import type { TaskScope } from "../../../base/os/task-scope.ts";
import type { InformerFactory } from "../../../client/informer.ts";
import { resources } from "../../../client/resources.ts";
import type { Node } from "../../../client/types.ts";
import type { IpFamily } from "../ip-family.ts";
import type { RulesetApplier } from "../nft-applier.ts";
import { ipBatch, runProgram } from "../programs.ts";
import { readKernelRoutes, readOwnLinks } from "./kernel-routes.ts";
import { overlayFence } from "./overlay-fence.ts";
import { ensureOverlayLink, hasOverlayLink, removeOverlayLink } from "./overlay-link.ts";
import { type OwnPlace, type PeerPlan, planPeers } from "./plan-peers.ts";
import { type RouteChange, routeChange, wantedRoutes } from "./route-changes.ts";

export const peerTimes = {
  /** Changes of Nodes that come within this time are carried out together. */
  gatherMs: 30,
  /** The kernel drops routes with the links that they go over: it is looked at again. */
  lookMs: 60_000,
} as const;

export interface PeerDeps {
  readonly informers: InformerFactory;
  readonly os: Pick<Os, "clock" | "log">;
  readonly tasks: TaskScope;
  /** One of each family; none where there is no nftables. */
  readonly fences: readonly { readonly family: IpFamily; readonly applier: RulesetApplier }[];
}

/** Keeps routes to the other nodes' pods, as their Nodes come, change and go. */
export function followPeers(own: Omit<OwnPlace, "onLink">, { informers, os, tasks, fences }: PeerDeps): void {
  const nodes = informers.informer(resources.nodes);
  let wake = deferred<void>();
  let said = "";
  const changed = () => wake.resolve();
  const unsubscribe = nodes.subscribe({
    onAdd: changed,
    onUpdate: (now, before) => {
      if (whereabouts(now) !== whereabouts(before)) changed();
    },
    onDelete: changed,
  });

  tasks.run("routes to other nodes' pods", async (signal) => {
    try {
      // Not before all are known: what leads to one that comes later must not be taken away meanwhile.
      await nodes.synced(signal);
      while (!signal.aborted) {
        wake = deferred<void>();
        await carryOut().catch((error: unknown) =>
          os.log.warn("cannot route to other nodes' pods", { error }),
        );
        const rest = new AbortController();
        const look = sleep(os.clock, peerTimes.lookMs, AbortSignal.any([signal, rest.signal]));
        await Promise.race([wake.promise, look]);
        rest.abort(new Error("woken"));
        await sleep(os.clock, peerTimes.gatherMs, signal);
      }
    } finally {
      unsubscribe();
    }
  });

  async function carryOut(): Promise<void> {
    const links = await readOwnLinks();
    const onLink = links.flatMap(({ addresses }) => addresses.map(({ range }) => range));
    const plan = planPeers(nodes.list(), { ...own, onLink });
    tell(plan);
    if (plan.overlay !== undefined) {
      const link = links.find(({ addresses }) => addresses.some(({ address }) => address === own.nodeIp));
      const mtu = link?.mtu ?? Math.min(1500, ...links.map((one) => one.mtu));
      const nodeIp = link === undefined ? undefined : own.nodeIp;
      // Closed before it is there.
      for (const { family, applier } of fences) await applier.apply(overlayFence(plan, family));
      const { address, v6Address, hardwareAddress } = plan.overlay;
      await ensureOverlayLink({ addresses: [address, v6Address ?? []].flat(), hardwareAddress, nodeIp, mtu });
    }
    const change = routeChange(
      await readKernelRoutes(await hasOverlayLink(), own.v6 === undefined ? [4] : [4, 6]),
      wantedRoutes(plan),
    );
    await runAll(change);
    if (plan.overlay === undefined && (await hasOverlayLink())) {
      await removeOverlayLink();
      for (const { applier } of fences) await applier.remove();
    }
  }

  /** All together, or, where the kernel refuses one, each by itself, so that no node keeps another from being reached. */
  async function runAll({ bridge, ip }: RouteChange): Promise<void> {
    const programs = [
      {
        lines: bridge,
        run: (lines: readonly string[]) => runProgram("bridge", ["-batch", "-"], `${lines.join("\n")}\n`),
      },
      { lines: ip, run: (lines: readonly string[]) => ipBatch(lines) },
    ];
    for (const { lines, run } of programs) {
      if (lines.length === 0) continue;
      try {
        await run(lines);
      } catch {
        for (const line of lines)
          await run([line]).catch((error: unknown) =>
            os.log.warn("cannot route to another node's pods", { change: line, error }),
          );
      }
    }
  }

  /** Once, not at every look. */
  function tell({ faults }: PeerPlan): void {
    const now = JSON.stringify(faults);
    if (now === said) return;
    said = now;
    for (const { node, why } of faults) os.log.warn("another node's pods are not reached", { node, why });
  }
}

/** What of a Node matters here: heartbeats change the rest again and again. */
const whereabouts = ({ spec, status }: Node): string =>
  JSON.stringify([spec?.podCIDR, spec?.podCIDRs, status?.addresses]);
