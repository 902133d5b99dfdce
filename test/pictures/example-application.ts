/** What the pictures show: a shop that is rolled out, with something unhealthy in it, beside its database and its reports. Pods of
 *  the storefront run as processes, all others are simulated. */

const host = "pintle.local/host";
const simulated = { "pintle.local/pictures": "simulated" };
const processes = { "pintle.local/pictures": "processes" };

export const nodes = [
  { name: "worker-1", runtime: "processes", labels: processes },
  { name: "worker-2", labels: simulated, zone: "zone-a" },
  { name: "worker-3", labels: simulated, zone: "zone-b" },
] as const;

/** What happens to simulated pods. */
export const behaviours = [
  { image: "registry.example/checkout:2.4*", pull: { error: "manifest unknown" } },
  {
    image: "registry.example/mailer:*",
    logs: "cannot open /etc/mailer/smtp.conf: no such file\n",
    exit: { code: 78 },
  },
];

interface Workload {
  readonly kind?: "Deployment" | "StatefulSet" | "DaemonSet";
  readonly image: string;
  readonly replicas?: number;
  readonly command?: readonly string[];
  readonly cpu?: string;
  readonly memory?: string;
}

function workload(namespace: string, name: string, what: Workload) {
  const { kind = "Deployment", image, replicas = 1, command, cpu = "100m", memory = "128Mi" } = what;
  const labels = { "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": namespace };
  return {
    apiVersion: "apps/v1",
    kind,
    metadata: { name, namespace, labels },
    spec: {
      ...(kind !== "DaemonSet" && { replicas }),
      ...(kind === "StatefulSet" && { serviceName: name }),
      selector: { matchLabels: { "app.kubernetes.io/name": name } },
      template: {
        metadata: { labels },
        spec: {
          nodeSelector: image === host ? processes : simulated,
          containers: [
            {
              name: name.split("-")[0] as string,
              image,
              ...(command && { command }),
              ports: [{ name: "http", containerPort: 8080 }],
              resources: { requests: { cpu, memory }, limits: { memory: "512Mi" } },
            },
          ],
        },
      },
    },
  };
}

const namespaceOf = (name: string) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
const service = (namespace: string, name: string) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace },
  spec: {
    selector: { "app.kubernetes.io/name": name },
    ports: [{ name: "http", port: 80, targetPort: "http" }],
  },
});

/** Writes lines as services do: JSON, now and then a slow or a failed request. */
const storefront = `mkdir -p config
echo 'catalogue: http://catalogue' > config/storefront.yaml
echo 'checkout: http://checkout' >> config/storefront.yaml
echo 'cacheSeconds: 30' >> config/storefront.yaml
at=0
while :; do
  at=$((at + 1))
  case $((at % 9)) in
    4) echo "{\\"level\\":\\"warn\\",\\"msg\\":\\"slow answer of catalogue\\",\\"path\\":\\"/products/$((at * 7 % 90))\\",\\"ms\\":$((700 + at * 13 % 400))}" ;;
    8) echo "{\\"level\\":\\"error\\",\\"msg\\":\\"checkout does not answer\\",\\"path\\":\\"/basket\\",\\"status\\":502}" ;;
    [0-9]) echo "{\\"level\\":\\"info\\",\\"msg\\":\\"GET /products/$((at * 7 % 90))\\",\\"status\\":200,\\"ms\\":$((8 + at * 5 % 40))}" ;;
  esac
  sleep 0.$((3 + at % 5))
done`;

export const deployed = {
  storefront: workload("shop", "storefront", {
    image: host,
    replicas: 3,
    command: ["sh", "-c", storefront],
    cpu: "250m",
  }),
  catalogue: workload("shop", "catalogue", { image: "registry.example/catalogue:1.8.2", replicas: 2 }),
  checkout: workload("shop", "checkout", { image: "registry.example/checkout:2.3.0", replicas: 2 }),
  basket: workload("shop", "basket", {
    kind: "StatefulSet",
    image: "registry.example/basket:1.1.0",
    replicas: 3,
  }),
  mailer: workload("notify", "mailer", { image: "registry.example/mailer:0.9.1" }),
  search: workload("search", "product-search", {
    image: "registry.example/search:5.2.0",
    replicas: 4,
    cpu: "500m",
  }),
  collector: workload("observe", "collector", {
    kind: "DaemonSet",
    image: "registry.example/collector:3.0.4",
  }),
};

/** A release of which the registry has no image. */
export const release = workload("shop", "checkout", {
  image: "registry.example/checkout:2.4.0",
  replicas: 2,
});

export const wellAtFirst = [
  deployed.storefront,
  deployed.catalogue,
  deployed.checkout,
  deployed.basket,
  deployed.search,
];

export const definitions = [
  {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "campaigns.shop.example" },
    spec: {
      group: "shop.example",
      names: { kind: "Campaign", plural: "campaigns", singular: "campaign" },
      scope: "Namespaced",
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: "object",
              properties: {
                spec: {
                  type: "object",
                  properties: { discountPercent: { type: "integer" }, until: { type: "string" } },
                },
              },
            },
          },
        },
      ],
    },
  },
];

export const objects = [
  ...["shop", "notify", "search", "observe"].map(namespaceOf),
  ...Object.values(deployed),
  ...["storefront", "catalogue", "checkout", "basket"].map((name) => service("shop", name)),
  service("search", "product-search"),
  {
    apiVersion: "networking.k8s.io/v1",
    kind: "IngressClass",
    metadata: { name: "edge" },
    spec: { controller: "edge.example/ingress" },
  },
  {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: { name: "shop", namespace: "shop" },
    spec: {
      ingressClassName: "edge",
      rules: [
        {
          host: "shop.example",
          http: {
            paths: [
              ["/", "storefront"],
              ["/checkout", "checkout"],
            ].map(([path, name]) => ({
              path,
              pathType: "Prefix",
              backend: { service: { name, port: { name: "http" } } },
            })),
          },
        },
      ],
    },
  },
  {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { name: "nightly-report", namespace: "shop" },
    spec: {
      schedule: "15 3 * * *",
      jobTemplate: {
        spec: {
          template: {
            spec: {
              restartPolicy: "Never",
              nodeSelector: simulated,
              containers: [{ name: "report", image: "registry.example/report:1.0.0" }],
            },
          },
        },
      },
    },
  },
  {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: "basket", namespace: "shop" },
    spec: { minAvailable: 2, selector: { matchLabels: { "app.kubernetes.io/name": "basket" } } },
  },
  {
    apiVersion: "v1",
    kind: "ResourceQuota",
    metadata: { name: "team-shop", namespace: "shop" },
    spec: { hard: { pods: "20", "requests.cpu": "4" } },
  },
];

export const campaign = {
  apiVersion: "shop.example/v1",
  kind: "Campaign",
  metadata: { name: "winter-sale", namespace: "shop" },
  spec: { discountPercent: 20, until: "2027-01-31" },
};
