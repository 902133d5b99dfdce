import { isConflict, isNotFound } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import type { CertificateSigningRequest, Endpoints, Service } from "../../../client/types.ts";
import type { Controller } from "../controller.ts";
import { decide } from "./decide-request.ts";
import { judgeNodeRequest, plainAddress } from "./plan-node-approval.ts";
import { isDecided } from "./request-state.ts";

/** Decides about the certificates of machines that join by a token, and about those that nodes serve with. Kubernetes has
 *  none such: it runs where it is named. */
export const nodeApprovingController: Controller = {
  name: "node-certificate-approving-controller",
  workers: 1,
  disabledByDefault: true,
  setUp({ client, informers, log }, queue) {
    const requests = informers.informer(resources.certificatesigningrequests);
    const nodes = informers.informer(resources.nodes);
    const endpoints = informers.informer(resources.endpoints, apiServers);
    const services = informers.informer(resources.services, apiServers);
    const enqueue = ({ metadata }: CertificateSigningRequest) => queue.add(metadata.name);
    const enqueueUndecided = () => {
      for (const request of requests.list()) if (!isDecided(request)) enqueue(request);
    };
    requests.subscribe({ onAdd: enqueue, onUpdate: enqueue });
    // A node says its addresses after it has asked.
    nodes.subscribe({ onAdd: enqueueUndecided, onUpdate: enqueueUndecided });
    const heldFor = new Map<string, string>();
    return async (name) => {
      const request = requests.getByKey(name);
      if (request === undefined) {
        heldFor.delete(name);
        return;
      }
      const found = judgeNodeRequest(request, {
        nodes: nodes.list(),
        requests: requests.list(),
        apiAddresses: apiAddresses(endpoints.list(), services.list()),
      });
      if (found === undefined) return;
      const { verdict, message } = found;
      if (verdict === "hold") {
        if (heldFor.get(name) !== message)
          log.info("a request for a certificate waits", { name, why: message });
        heldFor.set(name, message);
        return;
      }
      heldFor.delete(name);
      log.info(verdict === "approve" ? "approving a certificate" : "refusing a certificate", {
        name,
        message,
      });
      try {
        await decide(client, request, {
          type: verdict === "approve" ? "Approved" : "Denied",
          reason: verdict === "approve" ? "AutoApproved" : "NotANewNode",
          message,
        });
      } catch (error) {
        // Changed or gone meanwhile: what the cache shows next decides.
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
    };
  },
};

const apiServers = { namespace: "default", fieldSelector: "metadata.name=kubernetes" } as const;

function apiAddresses(endpoints: readonly Endpoints[], services: readonly Service[]): ReadonlySet<string> {
  const ofServers = endpoints.flatMap(({ subsets = [] }) =>
    subsets.flatMap(({ addresses = [] }) => addresses.map(({ ip }) => ip)),
  );
  const ofService = services.flatMap(({ spec }) => spec?.clusterIPs ?? []);
  return new Set([...ofServers, ...ofService].map(plainAddress));
}
