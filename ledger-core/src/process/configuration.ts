import { assert } from "../domain/errors.ts";
import {
  collectSettings,
  type Environment,
  plainValues,
  refuse,
  type SettingsTable,
  type SettingValues,
} from "./env.ts";

/** Related settings and the value built from them. */
export type SettingsGroup<S extends SettingsTable, Result> = {
  readonly settings: S;
  /** Checks settings against each other; a setting with a fault of its own is absent. */
  check?(given: Partial<SettingValues<S>>, fault: (text: string) => void): void;
  build(values: SettingValues<S>): Result;
};

/** A settings group whose settings' types are hidden. */
export type ConfigurationPart<Result> = {
  readonly settings: SettingsTable;
  /** Undefined only if a fault was reported. */
  read(environment: Environment | undefined, fault: (text: string) => void): Result | undefined;
};

export function configurationPart<S extends SettingsTable, Result>(
  group: SettingsGroup<S, Result>,
): ConfigurationPart<Result> {
  const { settings } = group;
  return {
    settings,
    read(environment, fault) {
      const { values, faults } = collectSettings(settings, environment);
      const found = [...faults];
      group.check?.(plainValues(values), (text) => found.push(text));
      for (const text of found) fault(text);
      return found.length === 0 ? group.build(plainValues(values)) : undefined;
    },
  };
}

export type ConfigurationParts = Readonly<Record<string, ConfigurationPart<unknown>>>;
export type Configuration<P> = { readonly [K in keyof P]: P[K] extends ConfigurationPart<infer R> ? R : never };

/** Combines several parts into one. */
export function combinedParts<P extends ConfigurationParts>(parts: P): ConfigurationPart<Configuration<P>> {
  return {
    settings: Object.assign({}, ...Object.values(parts).map((part) => part.settings)),
    read(environment, fault) {
      const read = Object.entries(parts).map(([name, part]) => [name, part.read(environment, fault)]);
      return Object.fromEntries(read);
    },
  };
}

/** Reads every part. @throws LedgerError config, one message that names every faulty setting of all parts */
export function readConfiguration<P extends ConfigurationParts>(parts: P, environment?: Environment): Configuration<P> {
  const faults = new Set<string>();
  const read = combinedParts(parts).read(environment, (text) => void faults.add(text));
  refuse([...faults]);
  assert(read !== undefined, "a configuration without faults is whole");
  return read;
}
