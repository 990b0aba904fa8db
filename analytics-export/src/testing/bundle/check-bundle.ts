import { type Bundle, list, type Mapping, mapping, type YamlNode } from "./read-bundle.ts";

const topLevel = ["bundle", "include", "artifacts", "variables", "targets", "resources", "workspace", "permissions"];
const targetKeys = ["mode", "default", "workspace", "run_as", "variables", "resources", "permissions", "presets"];
const kinds = ["jobs", "pipelines", "schemas", "volumes"];
const modes = ["development", "production"];
const levels = ["CAN_VIEW", "CAN_MANAGE_RUN", "CAN_MANAGE", "IS_OWNER", "CAN_RUN"];
const principals = ["group_name", "user_name", "service_principal_name"];
const given = /^(bundle\.(name|target)|workspace\.(file_path|root_path|current_user\.userName))$/;

/** The faults of a bundle, a sentence each, including those that only a run would show. */
export function bundleFaults(bundle: Bundle): readonly string[] {
  const { root, resources, absent } = bundle;
  return [
    ...unknownKeys("databricks.yml", root, topLevel),
    ...absent.map((pattern) => `include ${pattern} matches no file`),
    ...targetFaults(root),
    ...variableFaults(bundle),
    ...referenceFaults(bundle),
    ...unknownKeys("resources", resources, kinds),
    ...Object.entries(resources.jobs ?? {}).flatMap(([name, job]) => jobFaults(name, job, bundle)),
    ...secretFaults(root, resources),
  ];
}

function unknownKeys(place: string, node: { readonly [key: string]: unknown }, known: readonly string[]): string[] {
  return Object.keys(node).flatMap((key) => (known.includes(key) ? [] : [`${place}: ${key} is no key of a bundle`]));
}

function targetFaults({ targets = {} }: Mapping): readonly string[] {
  const all = Object.entries(mapping(targets)).map(([name, target]) => [name, mapping(target)] as const);
  const defaults = all.filter(([, target]) => target.default === true);
  return [
    ...(defaults.length === 1 ? [] : [`exactly one target must be the default, not ${defaults.length}`]),
    ...all.flatMap(([name, target]) => [
      ...unknownKeys(`target ${name}`, target, targetKeys),
      ...(modes.includes(String(target.mode)) ? [] : [`target ${name}: mode must be ${modes.join(" or ")}`]),
      ...(target.mode === "production" && target.run_as === undefined
        ? [`target ${name}: production needs run_as, or the jobs run as whoever deployed them`]
        : []),
    ]),
  ];
}

/** Each variable has a value in each target, is used, and is declared. */
function variableFaults({ root, resources }: Bundle): readonly string[] {
  const declared = mapping(root.variables ?? {});
  const used = new Set(references([root, resources]).flatMap((name) => name.match(/^var\.(\w+)$/)?.[1] ?? []));
  const unset = Object.entries(mapping(root.targets ?? {})).flatMap(([target, node]) => {
    const values = mapping(mapping(node).variables ?? {});
    const faults = Object.keys(values).filter((name) => !Object.hasOwn(declared, name));
    const missing = Object.entries(declared).filter(([name, node]) => {
      const { default: standard, lookup } = mapping(node);
      return standard === undefined && lookup === undefined && values[name] === undefined;
    });
    return [
      ...faults.map((name) => `target ${target}: the variable ${name} is not declared`),
      ...missing.map(([name]) => `target ${target}: the variable ${name} has no value`),
    ];
  });
  return [
    ...unset,
    ...[...used]
      .filter((name) => !Object.hasOwn(declared, name))
      .map((name) => `\${var.${name}} is used but not declared`),
    ...Object.keys(declared)
      .filter((name) => !used.has(name))
      .map((name) => `the variable ${name} is not used`),
  ];
}

function referenceFaults({ root, resources }: Bundle): readonly string[] {
  return references([root, resources]).flatMap((name) => {
    if (name.startsWith("var.") || given.test(name)) return [];
    const [, kind = "", resource = ""] = /^resources\.(\w+)\.(\w+)\./.exec(name) ?? [];
    return resources[kind]?.[resource] ? [] : [`\${${name}} refers to nothing in the bundle`];
  });
}

function jobFaults(name: string, job: Mapping, bundle: Bundle): readonly string[] {
  const tasks = list(job.tasks).map(mapping);
  const keys = tasks.map(({ task_key }) => String(task_key));
  const clusters = list(job.job_clusters).map((cluster) => String(mapping(cluster).job_cluster_key));
  const place = `job ${name}`;
  return [
    ...(job.max_concurrent_runs === 1 ? [] : [`${place}: max_concurrent_runs must be 1: two runs replace one table`]),
    ...(job.timeout_seconds === undefined ? [`${place}: timeout_seconds is missing`] : []),
    ...(list(mapping(job.email_notifications ?? {}).on_failure).length > 0
      ? []
      : [`${place}: nobody is told of failures`]),
    ...keys.filter((key, index) => keys.indexOf(key) !== index).map((key) => `${place}: two tasks are named ${key}`),
    ...list(job.permissions).flatMap((permission) => permissionFaults(place, mapping(permission))),
    ...tasks.flatMap((task, index) => [
      ...taskFaults(`${place}, task ${keys[index]}`, task, { clusters, earlier: keys.slice(0, index) }),
      ...commandFaults(`${place}, task ${keys[index]}`, mapping(task.python_wheel_task ?? {}), bundle),
    ]),
  ];
}

function permissionFaults(place: string, permission: Mapping): readonly string[] {
  const named = principals.filter((principal) => permission[principal] !== undefined);
  return [
    ...(named.length === 1 ? [] : [`${place}: a permission names one of ${principals.join(", ")}`]),
    ...(levels.includes(String(permission.level)) ? [] : [`${place}: ${permission.level} is no level of permission`]),
  ];
}

type TaskContext = { readonly clusters: readonly string[]; readonly earlier: readonly string[] };

function taskFaults(place: string, task: Mapping, { clusters, earlier }: TaskContext): readonly string[] {
  const cluster = String(task.job_cluster_key);
  const waits = list(task.depends_on).map((one) => String(mapping(one).task_key));
  return [
    ...(clusters.includes(cluster) ? [] : [`${place}: there is no job cluster ${cluster}`]),
    ...waits.filter((key) => !earlier.includes(key)).map((key) => `${place}: no task before it is named ${key}`),
    ...(list(task.libraries).some((library) => mapping(library).whl !== undefined)
      ? []
      : [`${place}: the wheel is missing in its libraries`]),
  ];
}

/** The wheel has this command, and it takes these flags. */
function commandFaults(place: string, task: Mapping, { commands, packageName }: Bundle): readonly string[] {
  const entry = String(task.entry_point);
  const source = commands[entry];
  if (source === undefined) return [`${place}: the wheel has no command ${entry}`];
  const flags = list(task.parameters)
    .map(String)
    .filter((text) => text.startsWith("--"));
  const required = [...source.matchAll(/add_argument\("(--[\w-]+)", required=True/g)].map(([, flag = ""]) => flag);
  return [
    ...(task.package_name === packageName ? [] : [`${place}: the wheel is ${packageName}, not ${task.package_name}`]),
    ...flags
      .filter((flag) => !source.includes(`add_argument("${flag}"`))
      .map((flag) => `${place}: the command ${entry} takes no ${flag}`),
    ...required.filter((flag) => !flags.includes(flag)).map((flag) => `${place}: the command ${entry} needs ${flag}`),
  ];
}

/** Passwords belong into a secret scope. */
function secretFaults(...nodes: readonly YamlNode[]): readonly string[] {
  return textsOf(nodes).flatMap((text) =>
    /(password|sig|AccountKey)=|:\/\/[^/\s]*:[^/\s]*@/i.test(text)
      ? [`a secret is in the bundle: ${text.slice(0, 24)}…`]
      : [],
  );
}

function references(nodes: readonly YamlNode[]): readonly string[] {
  return textsOf(nodes).flatMap((text) => [...text.matchAll(/\$\{([^}]*)\}/g)].map(([, name = ""]) => name));
}

function textsOf(node: YamlNode): readonly string[] {
  if (typeof node === "string") return [node];
  if (typeof node !== "object" || node === null) return [];
  return Object.values(node).flatMap(textsOf);
}
