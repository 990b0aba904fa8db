import { configurationPart, documented, oneOf, type Setting } from "ledger-core/process";
import { defaultRails, parseRails } from "./http/rails.ts";

/** The form of the list of rails, in words that follow its name. */
export const railsForm = "must be up to 50 names, like fps,card,bank: small letters, digits and dashes";

export const railsSetting: Setting<readonly string[]> = {
  absent: { allowed: true, value: defaultRails },
  standard: defaultRails.join(),
  about: "The payment rails that top-ups and payouts may name.",
  parse(text) {
    const value = parseRails(text);
    return value === undefined ? { fault: railsForm } : { value };
  },
};

/** The settings that only the command-service has. */
export const commandPart = configurationPart({
  settings: {
    LEDGER_RAILS: railsSetting,
    LEDGER_ACCEPT_CLOCK: documented(
      "Confirms a clock that is more than 30 days after the last event.",
      oneOf(["true", "false"], "false"),
    ),
  },
  build: (values) => ({ rails: values.LEDGER_RAILS, acceptClock: values.LEDGER_ACCEPT_CLOCK === "true" }),
});
