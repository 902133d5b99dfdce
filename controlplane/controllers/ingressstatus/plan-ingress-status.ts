import { isIP } from "node:net";
import { answersIngresses, frontOf } from "../../../client/rules/ingress-class.ts";
import type { Ingress, Node } from "../../../client/types.ts";
import { isNodeReady } from "../node-state.ts";

/** At which addresses an Ingress is reached. Pure. */

type LoadBalancer = NonNullable<NonNullable<Ingress["status"]>["loadBalancer"]>;

/** Of larger clusters so many nodes stand for all: each leads everywhere. */
const addressesMost = 16;

/** What of a node matters here; equal texts, equal answers. */
export const frontFacts = (node: Node): string => addressOf(node) ?? "";

const addressOf = (node: Node): string | undefined => {
  const front = frontOf(node);
  const answers =
    isNodeReady(node) && answersIngresses(node) && node.metadata.deletionTimestamp === undefined;
  return front !== undefined && answers && isIP(front.address) !== 0 ? front.address : undefined;
};

/** The addresses of nodes that answer, by the nodes' names. */
export function frontAddresses(nodes: readonly Node[]): readonly string[] {
  const byName = [...nodes].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  return [...new Set(byName.flatMap((node) => addressOf(node) ?? []))].slice(0, addressesMost);
}

/** What an Ingress's status is to say; undefined: it says so. */
export function changedStatus(ingress: Ingress, addresses: readonly string[]): LoadBalancer | undefined {
  const said = (ingress.status?.loadBalancer?.ingress ?? []).map(
    ({ ip = "", hostname = "" }) => ip || hostname,
  );
  if (said.join() === addresses.join()) return undefined;
  return addresses.length === 0 ? {} : { ingress: addresses.map((ip) => ({ ip })) };
}
