// Who may import whom; ARCHITECTURE.md says why.
const only = (name, from, allowed, comment) => ({
  name,
  severity: "error",
  comment,
  from: { path: from, pathNot: "\\.test\\.ts$|/testing(/|\\.ts$)" },
  to: { path: "^(base|proto|store|client|controlplane|agent|shipping|cluster|cli|lib|bench|test)/", pathNot: allowed },
});
/** What the build bundles; what the product loads from node_modules stands in `dependencies`, or is tsx, which those have who
 *  run sources or bring plugins in TypeScript. */
const bundled =
  "@codemirror/[a-z-]+|@grpc/grpc-js|@kubernetes/client-node|@lezer/highlight|@marcbachmann/cel-js|@preact/signals|@preact/signals-core|@xterm/[a-z-]+|bcryptjs|dns-packet|fzstd|ink|js-yaml|preact|prom-client|re2js|react|string-width|tar-stream|uplot|ws|yaml";
const stage = (folder, ...later) =>
  only(
    `store-${folder}`,
    `^store/${folder}/`,
    `^(base|proto)/|^store/(errors|${folder}|${later.join("|") || folder})(/|\\.ts)`,
    "a stage of the store imports only stages further along the path of a request",
  );

module.exports = {
  forbidden: [
    { name: "no-circles", severity: "error", from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } } },
    { name: "no-unlisted-package", severity: "error", from: {}, to: { pathNot: "node_modules/tsx/", dependencyTypes: ["npm-no-pkg", "npm-unknown"] } },
    { name: "no-dev-package-in-product", severity: "error", from: { path: "^(base|proto|store|client|controlplane|agent|shipping|cluster|cli|lib)/", pathNot: "\\.test\\.ts$|/testing(/|\\.ts$)|/suite\\.ts$" }, to: { pathNot: `node_modules/((@types/)?(${bundled})|tsx)/`, dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only"] } },
    only("base-alone", "^base/", "^base/", "base could have been in a standard library"),
    only("proto-on-base", "^proto/", "^(base|proto)/", "wire contracts know nobody"),
    only("store-alone", "^store/", "^(base|proto|store)/", "the store knows nothing of Kubernetes"),
    stage("raft"),
    stage("wal", "raft/types", "driver/seams"),
    stage("mvcc", "backend", "revisions"),
    stage("lease", "backend", "mvcc"),
    stage("backend", "revisions"),
    stage("revisions", "backend/backend"),
    stage("driver", "raft"),
    only("client-alone", "^client/", "^(base|client)/", "the cluster's client imports no component"),
    only("shipping-on-base", "^shipping/", "^(base|shipping)/", "logs are shipped alike by every component, of which it knows none"),
    only("cluster", "^cluster/", "^(base|store|client|controlplane|agent|shipping|cluster)/", "a cluster in this process is made of the parts, and no part knows it"),
    { name: "lib-is-outermost", severity: "error", comment: "what others import is made of the rooms, not the other way round", from: { pathNot: "^lib/" }, to: { path: "^lib/" } },
    only("cel", "^controlplane/cel/", "^(base|client|controlplane/cel)/", "expressions mean the same to every part of the control plane"),
    only("apiserver", "^controlplane/apiserver/", "^(base|client|proto|shipping|store/client|controlplane/(apiserver|cel))/", "only the API server opens the store's client"),
    only("scheduler", "^controlplane/scheduler/", "^(base|client|controlplane/(scheduler|cel))/", "components reach the cluster only through client/"),
    only("controllers", "^controlplane/controllers/", "^(base|client|shipping|controlplane/controllers)/", "components reach the cluster only through client/"),
    only("dashboard", "^controlplane/dashboard/server/", "^(base|client|controlplane/dashboard/server)/", "the dashboard asks the cluster as the person who looks, and has no part of it"),
    only("pages", "^controlplane/dashboard/web/", "^controlplane/dashboard/web/|^client/(why|rules|gateway|logs)/|^client/[^/]+\\.ts|^base/[^/]+\\.ts", "what runs in a browser shares rules and analyses, and no IO: the build refuses what reaches Node"),
    only("agent", "^agent/", "^(base|client|shipping|agent)/", "components reach the cluster only through client/"),
    { name: "models-are-our-own", severity: "error", comment: "types of objects are in client/models.ts; @kubernetes/client-node is their source at build time", from: { path: "^(base|client|controlplane|agent|shipping|cluster|cli|lib)/", pathNot: "\\.test\\.ts$" }, to: { path: "@kubernetes/client-node" } },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "types", "default"], extensions: [".ts", ".tsx", ".js", ".cjs", ".mjs", ".json"] },
  },
};
