import type { FlagTable, FlagValues } from "../base/os/flags.ts";
import { type ProxyMode, proxyModes } from "./network-seam.ts";

export const proxyModeFlags = {
  "proxy-mode": {
    kind: "string",
    value: "MODE",
    help: "What leads to Services in the kernel: nftables, iptables or ipvs. By default nftables; where nft is not installed, this process.",
  },
  "ipvs-scheduler": {
    kind: "string",
    value: "NAME",
    help: "How --proxy-mode ipvs picks an endpoint: rr (in turn) by default, lc (fewest connections), sh (by source) or another of the kernel's.",
  },
} as const satisfies FlagTable;

/** The kernel's (`ip_vs_NAME`). */
const schedulers: readonly string[] = "rr wrr lc wlc lblc lblcr dh sh sed nq fo ovf mh twos".split(" ");

/** What leads to Services by the flags, undefined where nobody said; what is wrong with them is told to `check`. */
export function proxyChoice(
  { "proxy-mode": asked, "ipvs-scheduler": scheduler }: FlagValues<typeof proxyModeFlags>,
  check: (ok: boolean, flag: string, value: unknown, rule: string) => void,
): { readonly proxyMode: ProxyMode | undefined; readonly ipvsScheduler: string | undefined } {
  const proxyMode = proxyModes.find((one) => one === asked);
  check(
    asked === undefined || proxyMode !== undefined,
    "proxy-mode",
    asked,
    `must be ${proxyModes.join(", ")}`,
  );
  const isKnown = scheduler === undefined || schedulers.includes(scheduler);
  check(isKnown, "ipvs-scheduler", scheduler, `must be ${schedulers.join(", ")}`);
  const isUsed = scheduler === undefined || proxyMode === "ipvs";
  check(isUsed, "ipvs-scheduler", scheduler, "needs --proxy-mode ipvs");
  return { proxyMode, ipvsScheduler: scheduler };
}
