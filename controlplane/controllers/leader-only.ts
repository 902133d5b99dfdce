import { ConnectionError } from "../../client/api-error.ts";
import type { ControllerClient } from "./controller.ts";

/** The same client, whose writes are refused from the moment leadership ends: what was decided under an old lease must
 *  not be done under another's. Requests under way end with the signal. */
export function leaderOnly(
  client: ControllerClient,
  isLeader: () => boolean,
  signal: AbortSignal,
): ControllerClient {
  const check = () => {
    if (!isLeader()) throw new ConnectionError("no longer the leader", { neverSent: true });
  };
  return {
    get: (resource, ref, options) => client.get(resource, ref, { signal, ...options }),
    list: (resource, options) => client.list(resource, { signal, ...options }),
    watch: (resource, options, until) => client.watch(resource, options, until),
    async create(resource, object, options) {
      check();
      return client.create(resource, object, { signal, ...options });
    },
    async update(resource, object, options) {
      check();
      return client.update(resource, object, { signal, ...options });
    },
    async updateStatus(resource, object, options) {
      check();
      return client.updateStatus(resource, object, { signal, ...options });
    },
    async patch(resource, ref, body, options) {
      check();
      return client.patch(resource, ref, body, { signal, ...options });
    },
    async delete(resource, ref, options) {
      check();
      return client.delete(resource, ref, { signal, ...options });
    },
    async deleteCollection(resource, options) {
      check();
      return client.deleteCollection(resource, { signal, ...options });
    },
    async createSubresource(resource, ref, subresource, body, options) {
      check();
      return client.createSubresource(resource, ref, subresource, body, { signal, ...options });
    },
    async raw(method, path, body, options) {
      if (method !== "GET") check();
      return client.raw(method, path, body, { signal, ...options });
    },
  };
}
