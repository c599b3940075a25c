// Prometheus and Grafana, with the product's own dashboard.
import type { FileSpec, ServiceSpec, StackChoice } from "./service-spec.ts";

const images = { prometheus: "prom/prometheus:v3.5.0", grafana: "grafana/grafana:12.2.0" } as const;
/** The images' own accounts. */
const nobody = 65_534;
const grafanaAccount = 472;
const grafanaFolder = "/var/lib/grafana";

export function prometheus({ name, ports, scraped }: StackChoice): ServiceSpec {
  const inFolder = (path: string, from: FileSpec["from"]): FileSpec => ({
    target: `/etc/prometheus/${path}`,
    owner: nobody,
    from,
  });
  const targets = JSON.stringify([{ targets: [scraped ?? "local-llm-proxy:8000"] }]);
  return {
    name: "prometheus",
    profile: "monitoring",
    image: images.prometheus,
    command: [
      "--config.file=/etc/prometheus/prometheus.yml",
      "--storage.tsdb.path=/prometheus",
      "--storage.tsdb.retention.time=15d",
      "--storage.tsdb.retention.size=1GB",
    ],
    user: `${nobody}:${nobody}`,
    environment: {},
    port: { host: ports.prometheus, container: 9090 },
    volumes: [
      { name: `${name}-prometheus`, target: "/prometheus" },
      { name: `${name}-prometheus-config`, target: "/etc/prometheus" },
    ],
    files: [
      inFolder("prometheus.yml", { kind: "deploy", path: "monitoring/prometheus.yml" }),
      inFolder("alerts.yml", { kind: "deploy", path: "monitoring/alerts.yml" }),
      inFolder("targets/switchyard.json", { kind: "text", path: "compose/targets.json", text: `${targets}\n` }),
      inFolder("token", { kind: "secret", name: "proxy-token" }),
    ],
    ...(scraped ? { callsHost: true } : {}),
    health: healthOf("wget", "http://127.0.0.1:9090/-/healthy"),
    memoryMiB: 512,
    isReadOnly: true,
    scratch: ["/tmp"],
    devices: [],
    usesNvidia: false,
  };
}

export function grafana({ name, ports }: StackChoice): ServiceSpec {
  const inFolder = (path: string): FileSpec => ({
    target: `${grafanaFolder}/${path}`,
    owner: grafanaAccount,
    from: { kind: "deploy", path: `monitoring/grafana/${path}` },
  });
  return {
    name: "grafana",
    profile: "monitoring",
    image: images.grafana,
    user: `${grafanaAccount}:0`,
    environment: {
      GF_SECURITY_ADMIN_PASSWORD__FILE: `${grafanaFolder}/admin-password`,
      GF_PATHS_PROVISIONING: `${grafanaFolder}/provisioning`,
      SWITCHYARD_PROMETHEUS_URL: "http://prometheus:9090",
      GF_USERS_ALLOW_SIGN_UP: "false",
      // Nothing of it calls home.
      GF_ANALYTICS_REPORTING_ENABLED: "false",
      GF_ANALYTICS_CHECK_FOR_UPDATES: "false",
      GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES: "false",
      GF_NEWS_NEWS_FEED_ENABLED: "false",
      GF_PLUGINS_PREINSTALL_DISABLED: "true",
      GF_LOG_MODE: "console",
    },
    port: { host: ports.grafana, container: 3000 },
    volumes: [{ name: `${name}-grafana`, target: grafanaFolder }],
    files: [
      inFolder("dashboards/switchyard.json"),
      inFolder("dashboards/switchyard.zh-CN.json"),
      inFolder("provisioning/datasources/prometheus.yaml"),
      inFolder("provisioning/dashboards/switchyard.yaml"),
      {
        target: `${grafanaFolder}/admin-password`,
        owner: grafanaAccount,
        from: { kind: "secret", name: "grafana-password" },
      },
    ],
    health: healthOf("wget", "http://127.0.0.1:3000/api/health"),
    memoryMiB: 512,
    isReadOnly: true,
    scratch: ["/tmp"],
    devices: [],
    usesNvidia: false,
  };
}

function healthOf(program: string, address: string): ServiceSpec["health"] {
  const test = ["CMD", program, "-q", "-O", "/dev/null", address];
  return { test, intervalSeconds: 10, timeoutSeconds: 5, retries: 5, startSeconds: 60 };
}
