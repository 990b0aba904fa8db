/** A panel: its title, its unit in Grafana's words, and the queries of its lines by their legend. */
type Panel = { readonly title: string; readonly unit: string; readonly queries: Readonly<Record<string, string>> };

/** A percentile of a service's times to answer. */
function timeToAnswer(quantile: number, service: string): string {
  const buckets = `http_request_duration_seconds_bucket{service="${service}"}[5m]`;
  return `histogram_quantile(${quantile}, sum by (le) (rate(${buckets})))`;
}

const panels: readonly Panel[] = [
  {
    title: "Commands within the objective (50 ms, 99.9 %)",
    unit: "percentunit",
    queries: { "5 min": "payledger:commands_good:ratio_rate5m", "1 h": "payledger:commands_good:ratio_rate1h" },
  },
  {
    title: "Queries within the objective (500 ms, 99.9 %)",
    unit: "percentunit",
    queries: { "5 min": "payledger:visible:ratio_rate5m", "1 h": "payledger:visible:ratio_rate1h" },
  },
  {
    title: "Requests by status",
    unit: "reqps",
    queries: { "{{service}} {{status}}": "sum by (service, status) (rate(http_request_duration_seconds_count[5m]))" },
  },
  {
    title: "Time to answer",
    unit: "s",
    queries: {
      "commands p50": timeToAnswer(0.5, "command-service"),
      "commands p99": timeToAnswer(0.99, "command-service"),
      "queries p99": timeToAnswer(0.99, "query-service"),
    },
  },
  {
    title: "Refusals by code",
    unit: "reqps",
    queries: { "{{service}} {{code}}": "sum by (service, code) (rate(http_refusals_total[5m]))" },
  },
  {
    title: "Events appended, and events per append",
    unit: "short",
    queries: {
      "events/s": "sum(rate(log_append_events_sum[5m]))",
      "per append": "sum(rate(log_append_events_sum[5m])) / sum(rate(log_append_events_count[5m]))",
    },
  },
  {
    title: "Time of an append",
    unit: "s",
    queries: {
      p50: "histogram_quantile(0.5, sum by (le) (rate(log_append_seconds_bucket[5m])))",
      p99: "histogram_quantile(0.99, sum by (le) (rate(log_append_seconds_bucket[5m])))",
      "failures/s": "sum(rate(log_append_failures_total[5m]))",
    },
  },
  { title: "Writer's epoch", unit: "short", queries: { "{{instance}}": "writer_epoch" } },
  { title: "Commands queued", unit: "short", queries: { "{{instance}}": "writer_queued_commands" } },
  {
    title: "Events that readers are behind the log",
    unit: "short",
    queries: {
      "read models": "max(log_revision) - max(projection_models_revision)",
      graph: "max(log_revision) - max(projection_graph_revision)",
      sessions: "max(log_revision) - max(projection_session_revision)",
      mirror: "max(mirror_lag_events)",
      export: "max(export_behind_events)",
    },
  },
  {
    title: "Mirror",
    unit: "s",
    queries: {
      behind: "max(mirror_lag_seconds)",
      "halted shards": "max(mirror_halted_shards)",
      "waiting shards": "max(mirror_waiting_shards)",
    },
  },
  {
    title: "Damaged files set aside, threads replaced",
    unit: "short",
    queries: {
      "decision state": "sum(decision_state_discarded_total)",
      "read models": "sum(read_models_models_set_aside)",
      graph: "sum(read_models_views_set_aside)",
      "query threads": "sum(query_threads_replaced)",
    },
  },
  {
    title: "Revocations, age of the list",
    unit: "s",
    queries: { "{{service}} {{instance}}": "revocations_age_seconds" },
  },
];

const WIDTH = 12;
const HEIGHT = 8;

/** The Grafana dashboard, as JSON that Grafana 10 and later import. */
export function dashboardJson(): string {
  const dashboard = {
    title: "Payledger",
    uid: "payledger",
    schemaVersion: 39,
    tags: ["payledger"],
    time: { from: "now-6h", to: "now" },
    refresh: "30s",
    templating: { list: [{ name: "datasource", type: "datasource", query: "prometheus", label: "Prometheus" }] },
    panels: panels.map(panelOf),
  };
  return `${JSON.stringify(dashboard, undefined, 2)}\n`;
}

function panelOf({ title, unit, queries }: Panel, index: number) {
  const datasource = { type: "prometheus", uid: "$datasource" };
  return {
    id: index + 1,
    type: "timeseries",
    title,
    datasource,
    gridPos: { x: (index % 2) * WIDTH, y: Math.floor(index / 2) * HEIGHT, w: WIDTH, h: HEIGHT },
    fieldConfig: { defaults: { unit }, overrides: [] },
    targets: Object.entries(queries).map(([legendFormat, expr], place) => ({
      refId: String.fromCharCode("A".charCodeAt(0) + place),
      datasource,
      expr,
      legendFormat,
    })),
  };
}
