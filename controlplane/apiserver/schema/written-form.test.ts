import assert from "node:assert/strict";
import { writtenForm } from "./written-form.ts";

describe("the written form of an object", () => {
  it("has the zero of each field that Kubernetes always writes: text, numbers, times, pointers, messages", () => {
    const event = writtenForm({
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: "e" },
      involvedObject: {},
    });
    assert.deepEqual(event, {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: "e" },
      involvedObject: {},
      source: {},
      eventTime: null,
      firstTimestamp: null,
      lastTimestamp: null,
      reportingComponent: "",
      reportingInstance: "",
    });
    const claim = { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: {}, status: {} };
    const dataSource = { kind: "PersistentVolumeClaim", name: "c" };
    assert.deepEqual(writtenForm({ ...claim, spec: { dataSource, resources: {} } }), {
      ...claim,
      spec: { dataSource: { ...dataSource, apiGroup: null }, resources: {} },
    });
  });
  it("reaches into lists, and writes an empty list as none where there is always one", () => {
    const slice = {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {},
      addressType: "IPv4",
    };
    assert.deepEqual(writtenForm({ ...slice, endpoints: [{ addresses: ["10.0.0.1"] }], ports: [] }), {
      ...slice,
      endpoints: [{ addresses: ["10.0.0.1"], conditions: {} }],
      ports: null,
    });
  });
  it("leaves as they are what is whole, what it was given, and kinds that the schema does not know", () => {
    const map = { apiVersion: "v1", kind: "ConfigMap", metadata: {}, data: { a: "1" } };
    assert.equal(writtenForm(map), map);
    const custom = { apiVersion: "example.com/v1", kind: "Widget", spec: { list: [] } };
    assert.equal(writtenForm(custom), custom);
    const slice = {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      endpoints: [{ addresses: [] }],
    };
    const before = structuredClone(slice);
    writtenForm(slice);
    assert.deepEqual(slice, before);
  });
});
