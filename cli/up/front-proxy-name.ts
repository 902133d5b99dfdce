/** As whom the cluster's API servers pass requests on to extension servers. */
export const frontProxyName = "front-proxy-client";
