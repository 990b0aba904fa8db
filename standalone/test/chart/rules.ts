import { at, listAt, textAt } from "../json.ts";

/** A container of a manifest, with its pod. */
export type ChartContainer = { readonly owner: string; readonly pod: unknown; readonly container: unknown };

/** Every container of rendered manifests. */
export function containersOf(objects: readonly unknown[]): ChartContainer[] {
  return objects.flatMap((object) => {
    const pod = at(object, "kind") === "Pod" ? at(object, "spec") : at(object, "spec", "template", "spec");
    if (pod === undefined) return [];
    const owner = `${textAt(object, "kind")} ${textAt(object, "metadata", "name")}`;
    return items(at(pod, "containers"), at(pod, "initContainers")).map((container) => ({ owner, pod, container }));
  });
}

/** Every break of the rules for the chart's objects, by the name of the object. */
export function chartFaults(objects: readonly unknown[]): string[] {
  return [
    ...containersOf(objects).flatMap(containerFaults),
    ...objects.flatMap(networkFaults),
    ...denial(objects),
    ...objects.flatMap((object) => lagFaults(object, objects)),
  ];
}

/** A scaler on consumer lag watches the group that its pods commit to, and starts no pod without a partition. */
function lagFaults(object: unknown, objects: readonly unknown[]): string[] {
  if (at(object, "kind") !== "ScaledObject") return [];
  const name = textAt(object, "spec", "scaleTargetRef", "name");
  const scaled = containersOf(objects).find(({ owner }) => owner === `Deployment ${name}`);
  const variable = (of: string) =>
    at(
      items(at(scaled?.container, "env")).find((one) => at(one, "name") === of),
      "value",
    );
  return listAt(object, "spec", "triggers").flatMap((trigger) => {
    if (at(trigger, "type") !== "kafka") return [];
    const group = `${variable("BROKER_GROUP")}-${items(at(scaled?.container, "args")).at(-1)}`;
    const checks: [boolean, string][] = [
      [scaled !== undefined, "scales nothing"],
      [at(trigger, "metadata", "consumerGroup") === group, "watches another group than its pods commit to"],
      [at(trigger, "metadata", "topic") === variable("BROKER_TOPIC"), "watches another topic than its pods read"],
      [
        String(at(object, "spec", "maxReplicaCount")) === variable("LEDGER_SHARDS"),
        "may start more pods than partitions",
      ],
    ];
    return checks.flatMap(([ok, fault]) => (ok ? [] : [`ScaledObject ${name}: ${fault}`]));
  });
}

function containerFaults({ owner, pod, container }: ChartContainer): string[] {
  const faults: string[] = [];
  const demand = (ok: boolean, fault: string) => void (ok || faults.push(`${owner}: ${fault}`));
  const security = (name: string) => at(container, "securityContext", name) ?? at(pod, "securityContext", name);
  demand(security("runAsNonRoot") === true && Number(security("runAsUser")) > 0, "may run as root");
  demand(security("readOnlyRootFilesystem") === true, "may write to its root file system");
  demand(security("allowPrivilegeEscalation") === false, "may gain privileges");
  demand(items(at(container, "securityContext", "capabilities", "drop")).includes("ALL"), "keeps capabilities");
  demand(at(pod, "securityContext", "seccompProfile", "type") === "RuntimeDefault", "has no seccomp profile");
  demand(at(pod, "automountServiceAccountToken") === false, "mounts a token of the API server");
  demand(at(pod, "hostNetwork") !== true && at(pod, "hostPID") !== true, "shares the node's namespaces");
  demand(/[:@]/.test(textAt(container, "image")), "has an image without a version");
  for (const part of ["requests", "limits"])
    demand(at(container, "resources", part, "memory") !== undefined, `has no memory ${part}`);
  if (at(pod, "restartPolicy") === undefined) {
    for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"])
      demand(at(container, probe) !== undefined, `has no ${probe}`);
    demand(at(container, "lifecycle", "preStop") !== undefined, "has no preStop");
    demand(items(at(pod, "topologySpreadConstraints")).length > 0, "is not spread over nodes");
  }
  for (const variable of items(at(container, "env")))
    demand(
      !/(PASSWORD|KEY|HEADERS|SECRET|TOKEN)$/.test(textAt(variable, "name")),
      `has ${textAt(variable, "name")} in clear`,
    );
  return faults;
}

/** Rules of network policies that let everything out or in. */
function networkFaults(object: unknown): string[] {
  if (at(object, "kind") !== "NetworkPolicy") return [];
  const name = `NetworkPolicy ${textAt(object, "metadata", "name")}`;
  const open = (rule: unknown, peers: string) =>
    items(at(rule, peers)).length === 0 ||
    items(at(rule, "ports")).length === 0 ||
    items(at(rule, peers)).some((peer) => /\/0$/.test(String(at(peer, "ipBlock", "cidr") ?? "")));
  return [
    ...items(at(object, "spec", "egress")).flatMap((rule) => (open(rule, "to") ? [`${name}: has open egress`] : [])),
    ...items(at(object, "spec", "ingress")).flatMap((rule) =>
      open(rule, "from") ? [`${name}: has open ingress`] : [],
    ),
  ];
}

/** One policy denies everything to all pods, so that the others only allow. */
function denial(objects: readonly unknown[]): string[] {
  if (containersOf(objects).length === 0) return [];
  const denies = objects.some((object) => {
    const spec = at(object, "spec");
    const closed = at(spec, "ingress") === undefined && at(spec, "egress") === undefined;
    return at(object, "kind") === "NetworkPolicy" && closed && items(at(spec, "policyTypes")).length === 2;
  });
  return denies ? [] : ["no NetworkPolicy denies by default"];
}

function items(...lists: readonly unknown[]): readonly unknown[] {
  return lists.flatMap((list) => (Array.isArray(list) ? list : []));
}
