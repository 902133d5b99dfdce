import { useEffect, useMemo } from "preact/hooks";
import { ClusterFeeds } from "../api/cluster-feeds.ts";
import { kinds } from "../api/discovery.ts";
import { ClusterUse } from "../home/cluster-use.tsx";
import { ControlPlane } from "../home/control-plane.tsx";
import { EndingCertificates } from "../home/ending-certificates.tsx";
import { NodeBars } from "../home/node-bars.tsx";
import { Quotas } from "../home/quota.tsx";
import { Rolling } from "../home/rolling.tsx";
import { StoreMembers } from "../home/store-members.tsx";
import { Tiles } from "../home/tiles.tsx";
import { Warnings } from "../home/warnings.tsx";
import { Wrong } from "../home/wrong.tsx";
import { namespace } from "../route.ts";

/** The state of the cluster in one look: what is there, what is wrong and why, and what moves. */
export function HomePage() {
  const ns = namespace.value;
  return (
    <section class="page">
      <div class="page-head">
        <h1>Overview</h1>
        <span class="quiet">{ns || "all namespaces"}</span>
      </div>
      {kinds.value.length > 0 && <Parts key={ns} namespace={ns} />}
    </section>
  );
}

function Parts({ namespace: ns }: { readonly namespace: string }) {
  const feeds = useMemo(() => new ClusterFeeds(ns), [ns]);
  useEffect(() => () => feeds.stop(), [feeds]);
  return (
    <>
      <Tiles feeds={feeds} />
      <Wrong feeds={feeds} />
      <Rolling feeds={feeds} />
      <ClusterUse feeds={feeds} />
      <NodeBars feeds={feeds} />
      <div class="beside">
        <ControlPlane feeds={feeds} />
        <StoreMembers />
      </div>
      <Quotas feeds={feeds} />
      <EndingCertificates feeds={feeds} />
      <Warnings feeds={feeds} />
    </>
  );
}
