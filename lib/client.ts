/** The Kubernetes client: for any cluster.
 *
 *  @packageDocumentation */
export { ApiError, ConnectionError } from "../client/api-error.ts";
export { Informer } from "../client/informer.ts";
export { loadKubeconfig } from "../client/kubeconfig.ts";
export { resources } from "../client/resources.ts";
export { RestClient } from "../client/rest.ts";
export { WorkQueue } from "../client/work-queue.ts";
