import assert from "node:assert/strict";
import { GoForm } from "./go-form.ts";

describe("a value in the form of Kubernetes' own types", () => {
  it("has every field in order, under Go's names, with null and zeros for what is not set", () => {
    assert.equal(
      new GoForm("core.ServicePort", { port: 80, protocol: "TCP" }).text(),
      '{"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}',
    );
    assert.equal(new GoForm("*batch.SuccessPolicy", undefined).text(), "null");
  });

  it("has maps in the order of their bytes, and only what is set of what may be left out", () => {
    assert.equal(
      new GoForm("meta.LabelSelector", { matchLabels: { b: "1", a: "2", 9: "x", 10: "y" } }).text(),
      '{"matchLabels":{"10":"y","9":"x","a":"2","b":"1"}}',
    );
  });

  it("writes embedded fields among the others, and what the API calls otherwise by Go's name", () => {
    const volume = { name: "v", iscsi: { chapAuthSession: true, targetPortal: "p", iqn: "i", lun: 0 } };
    const text = new GoForm("core.Volume", volume).text();
    assert.match(text, /^\{"Name":"v","HostPath":null,/);
    assert.match(text, /"ISCSI":\{"TargetPortal":"p",.*"DiscoveryCHAPAuth":false,"SessionCHAPAuth":true/);
  });

  it("keeps the namespaces that a pod shares in its security context, which is always there", () => {
    const text = new GoForm("core.PodSpec", { containers: [], hostNetwork: true, hostUsers: false }).text();
    assert.match(
      text,
      /"SecurityContext":\{"HostNetwork":true,"HostPID":false,"HostIPC":false,"ShareProcessNamespace":null,"HostUsers":false,/,
    );
  });

  it("stands on lines of its own, indented by one space", () => {
    assert.equal(
      new GoForm("core.ResourceRequirements", { requests: { memory: "0.5Gi" } }).lines(),
      '{\n "Limits": null,\n "Requests": {\n  "memory": "512Mi"\n },\n "Claims": null\n}',
    );
  });
});
