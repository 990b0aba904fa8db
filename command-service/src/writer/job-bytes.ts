import type { ClientCommand } from "ledger-core";
import type { ItemFault } from "../writer-port.ts";

/**
 * A command without legs and metadata, its longest texts included, with what is noted of it while it waits and is
 * decided.
 */
const COMMAND_BYTES = 1024;
const LEG_BYTES = 256;
const PAIR_BYTES = 128;
const FAULT_BYTES = 256;
const ERROR_BYTES = 192;

/** About what a command takes in memory until it is answered. */
export function commandBytes(command: ClientCommand): number {
  let bytes = COMMAND_BYTES;
  if (command.type === "PostTransfer") bytes += command.legs.length * LEG_BYTES;
  if ("metadata" in command) {
    const { metadata } = command;
    for (const name in metadata) bytes += PAIR_BYTES + 2 * (name.length + (metadata[name]?.length ?? 0));
  }
  return bytes;
}

export function faultBytes({ errors }: ItemFault): number {
  let bytes = FAULT_BYTES;
  for (const { pointer } of errors) bytes += ERROR_BYTES + 2 * pointer.length;
  return bytes;
}
