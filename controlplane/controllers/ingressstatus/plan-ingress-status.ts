import { isIP } from "node:net";
import { answersIngresses, frontOf } from "../../../client/rules/ingress-class.ts";
import type { Ingress, Node } from "../../../client/types.ts";
import { isNodeReady } from "../node-state.ts";

/** At which addresses an Ingress is reached. Pure. */

type LoadBalancer = NonNullable<NonNullable<Ingress["status"]>["loadBalancer"]>;

/** Of larger clusters so many nodes stand for all: each leads everywhere. */
const nodesMost = 16;

/** What of a node matters here; equal texts, equal answers. */
export const frontFacts = (node: Node): string => addressesOf(node).join();

const addressesOf = (node: Node): readonly string[] => {
  const front = frontOf(node);
  const answers =
    isNodeReady(node) && answersIngresses(node) && node.metadata.deletionTimestamp === undefined;
  return front !== undefined && answers ? front.addresses.filter((address) => isIP(address) !== 0) : [];
};

/** The addresses of nodes that answer, by the nodes' names. */
export function frontAddresses(nodes: readonly Node[]): readonly string[] {
  const byName = [...nodes].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const answering = byName.map(addressesOf).filter((addresses) => addresses.length > 0);
  return [...new Set(answering.slice(0, nodesMost).flat())];
}

/** What an Ingress's status is to say; undefined: it says so. */
export function changedStatus(ingress: Ingress, addresses: readonly string[]): LoadBalancer | undefined {
  const said = (ingress.status?.loadBalancer?.ingress ?? []).map(
    ({ ip = "", hostname = "" }) => ip || hostname,
  );
  if (said.join() === addresses.join()) return undefined;
  return addresses.length === 0 ? {} : { ingress: addresses.map((ip) => ({ ip })) };
}
