// The chart as Helm renders it: each object valid as Kubernetes defines it, and all together what they are to be.
// No cluster was at hand: that it runs on one is not shown here.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { Deployment, StatefulSet } from "kubernetes-models/apps/v1";
import { NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1";
import { ConfigMap, Secret, Service } from "kubernetes-models/v1";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { findHelm } from "../../scripts/helm.ts";
import { defaultChoice, describeStack } from "../../src/containers/stack.ts";
import { defaultSettings, parseSettings } from "../../src/core/settings.ts";

const helm = findHelm();
const chart = join(import.meta.dirname, "..", "..", "deploy", "helm", "switchyard");

const models = { Deployment, StatefulSet, NetworkPolicy, PodDisruptionBudget, ConfigMap, Secret, Service };

interface Rendered {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  // Checked by the models of Kubernetes before it is read here.
  readonly [field: string]: unknown;
}

function render(...args: readonly string[]): readonly Rendered[] {
  const text = execFileSync(
    helm ?? "",
    ["template", "demo", chart, "--namespace", "ai", "--kube-version", "1.31.0", ...args],
    { encoding: "utf8", stdio: "pipe" },
  );
  return parseAllDocuments(text).flatMap((document): readonly Rendered[] => {
    const value = document.toJS();
    return value === null ? [] : [value];
  });
}

const at = (value: unknown, ...path: readonly (string | number)[]): unknown =>
  path.reduce(
    (inner: unknown, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
    value,
  );
const named = (objects: readonly Rendered[], kind: string, end: string) =>
  objects.find((each) => each.kind === kind && each.metadata.name.endsWith(end));
const podOf = (object: Rendered | undefined) => at(object, "spec", "template", "spec");

function settingsIn(objects: readonly Rendered[]) {
  return parseSettings(JSON.parse(String(at(named(objects, "ConfigMap", "-settings"), "data", "config.json"))));
}

describe.skipIf(!helm)("the Helm chart", () => {
  const variants: readonly (readonly string[])[] = [
    [],
    ["--set", "redis.enabled=false,ollama.gpu.count=0,ollama.models=null,networkPolicy.enabled=false"],
    ["--set", "token.existingSecret=mine,proxy.otlpEndpoint=http://collector:4318,ollama.storage.className=fast"],
  ];

  it.each(variants.map((args) => [args.join(" ") || "as it is", args] as const))("is valid: %s", (_name, args) => {
    const objects = render(...args);
    expect(objects.length).toBeGreaterThan(5);
    for (const object of objects) {
      const Model = Object.entries(models).find(([kind]) => kind === object.kind)?.[1];
      expect([object.kind, Model === undefined]).toEqual([object.kind, false]);
      // Throws with the field that is wrong.
      if (Model) new Model(object).validate();
    }
  });

  it("passes Helm's own look at it, and refuses values that nobody reads", () => {
    expect(
      execFileSync(helm ?? "", ["lint", "--strict", "--kube-version", "1.31.0", chart], { encoding: "utf8" }),
    ).toContain("0 chart(s) failed");
    expect(() => render("--set", "ollama.replica=5")).toThrow(/replica/);
    expect(() => render("--set", "ollama.models={a; rm -rf /}")).toThrow(/models/);
  });

  it.each([
    ["ollama.memory=8GB", /memory/],
    ["ollama.cpu=abc", /cpu/],
    ["ollama.storage.size=40GB", /size/],
    ["ollama.gpu.resource=", /resource/],
    ["ollama.image.tag=", /tag/],
    ["redis.image.tag=", /tag/],
    ["redis.memory=lots", /memory/],
    ["token.value=ab", /value/],
  ])("refuses %s at once, not as late as on the cluster", (setting, field) => {
    expect(() => render("--set-string", setting)).toThrow(field);
  });

  it("takes amounts in every form that Kubernetes has for them, and gives Redis two thirds of its own", () => {
    const objects = render(
      "--set-string",
      "redis.memory=1.5Gi,ollama.memory=8G,ollama.cpu=500m,ollama.storage.size=1Ti",
    );
    expect(at(podOf(named(objects, "StatefulSet", "-ollama")), "containers", 0, "resources", "limits", "memory")).toBe(
      "8G",
    );
    const redis = at(podOf(named(objects, "Deployment", "-redis")), "containers", 0, "args");
    expect(redis).toContain(String(2 ** 30));
    render("--set", "ollama.cpu=2");
    render("--set", "ollama.cpu=0.5");
  });

  it("runs three replicas with a graphics card each, and no more than one is away at a time", () => {
    const objects = render();
    const servers = named(objects, "StatefulSet", "-ollama");
    expect(at(servers, "spec", "replicas")).toBe(3);
    expect(at(podOf(servers), "containers", 0, "resources", "limits", "nvidia.com/gpu")).toBe(1);
    expect(at(named(objects, "PodDisruptionBudget", "-ollama"), "spec", "maxUnavailable")).toBe(1);
  });

  it("gives the answers of a model server that is stopped as long as those of the service, and keeps models as long as elsewhere", () => {
    const pod = podOf(named(render("--set", "proxy.drainSeconds=90"), "StatefulSet", "-ollama"));
    expect(at(pod, "terminationGracePeriodSeconds")).toBe(100);
    expect(at(pod, "containers", 0, "lifecycle", "preStop", "exec", "command")).toEqual(["sleep", "90"]);
    const { environment } = describeStack(defaultChoice).services[0] ?? {};
    const given = at(pod, "containers", 0, "env");
    const kept = Array.isArray(given) && given.find(({ name }) => name === "OLLAMA_KEEP_ALIVE")?.value;
    expect(kept).toBe(environment?.["OLLAMA_KEEP_ALIVE"]);
  });

  it("gives the service settings that it takes: every replica by its own name, each trusted, and Redis", () => {
    const settings = settingsIn(render("--set", "proxy.settings.modelProfile=design"));
    const host = (n: number) => `demo-switchyard-ollama-${n}.demo-switchyard-ollama.ai.svc:11434`;
    expect(settings).toEqual({
      ...defaultSettings,
      engine: "ollama",
      ollamaUrl: `http://${host(0)}`,
      nodes: [1, 2].map((n) => ({ url: `http://${host(n)}`, kind: "ollama", slots: 4 })),
      redisUrl: "redis://demo-switchyard-redis.ai.svc:6379",
      trustedHosts: [host(0), host(1), host(2), "demo-switchyard-redis.ai.svc:6379"],
      modelProfile: "design",
    });
  });

  it("tells the service which hosts are of the same installation: what goes there has not left", () => {
    const env = at(podOf(named(render(), "Deployment", "-proxy")), "containers", 0, "env");
    const host = (n: number) => `demo-switchyard-ollama-${n}.demo-switchyard-ollama.ai.svc:11434`;
    const redis = "demo-switchyard-redis.ai.svc:6379";
    expect(env).toContainEqual({ name: "SWITCHYARD_OWN_HOSTS", value: [host(0), host(1), host(2), redis].join(" ") });
  });

  it("opens nothing beyond the cluster and lets the service reach nothing but its own parts", () => {
    const objects = render();
    const services = objects.filter((each) => each.kind === "Service");
    expect(services.map((each) => at(each, "spec", "type"))).toEqual(services.map(() => "ClusterIP"));
    expect(objects.filter((each) => each.kind === "Ingress")).toEqual([]);
    const egress = at(named(objects, "NetworkPolicy", "-proxy"), "spec", "egress");
    expect(Array.isArray(egress) ? egress.map((rule) => at(rule, "ports", 0, "port")) : []).toEqual([11434, 6379, 53]);
    expect(at(named(objects, "NetworkPolicy", "-redis"), "spec", "egress")).toEqual([]);
  });

  it("keeps the token in a Secret: made where none is given, nobody's where one of their own is named", () => {
    const secret = named(render(), "Secret", "-token");
    expect(Buffer.from(String(at(secret, "data", "token")), "base64").toString()).toMatch(/^\w{48}$/);
    const own = render("--set", "token.existingSecret=mine");
    expect(own.filter((each) => each.kind === "Secret")).toEqual([]);
    const env = at(podOf(named(own, "Deployment", "-proxy")), "containers", 0, "env");
    expect(JSON.stringify(env)).toContain('"secretKeyRef":{"name":"mine","key":"token"}');
    const given = render("--set", "token.value=canary-5-of-some-length");
    expect(JSON.stringify(given.filter((each) => each.kind !== "Secret"))).not.toContain("canary-5-of-some-length");
  });

  it("watches and confines every container", () => {
    for (const object of render().filter((each) => ["Deployment", "StatefulSet"].includes(each.kind))) {
      const containers = at(podOf(object), "containers");
      expect(at(podOf(object), "automountServiceAccountToken")).toBe(false);
      for (const container of Array.isArray(containers) ? containers : []) {
        expect(at(container, "livenessProbe")).toBeDefined();
        expect(at(container, "readinessProbe")).toBeDefined();
        expect(at(container, "resources", "limits", "memory")).toBeDefined();
        expect(at(container, "securityContext", "allowPrivilegeEscalation")).toBe(false);
      }
    }
  });
});
