/** A pod as a Deployment's controller makes them: some 1.5 kB once it is stored. */
export function podNamed(name: string): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: "default",
      labels: { app: "web", tier: "front", "pod-template-hash": "5d4f8c7b9" },
      annotations: { "example.com/checksum": "0123456789abcdef0123456789abcdef" },
    },
    spec: {
      nodeName: `node-${Number(/\d+$/.exec(name)?.[0] ?? 0) % 100}`,
      containers: [
        {
          name: "web",
          image: "registry.example.com/team/web:1.2.3",
          args: ["--listen=:8080", "--log-level=info"],
          ports: [{ name: "http", containerPort: 8080 }],
          env: [
            { name: "MODE", value: "production" },
            { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
          ],
          resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { memory: "256Mi" } },
          readinessProbe: { httpGet: { path: "/ready", port: "http" }, periodSeconds: 5 },
        },
      ],
    },
  };
}
export const podPath = "/api/v1/namespaces/default/pods";
