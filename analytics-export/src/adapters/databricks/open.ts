import type { GoldTables } from "ledger-core";
import { openEntraTokens } from "ledger-core/entra";
import type { WarehousePlace } from "../../gold/settings.ts";
import type { Pseudonyms } from "../../tables/pseudonyms.ts";
import { openGoldWarehouse } from "./gold-tables.ts";
import { openWarehouse } from "./warehouse.ts";

/** The gold tables of a schema, by a token or this workload's identity. A token in a file is read again each time. */
export function openGoldOnDatabricks(place: WarehousePlace, names: Pseudonyms): GoldTables {
  const { url, warehouse: id, catalog, schema, login } = place;
  const options = { catalog, schema, names };
  if ("token" in login)
    return openGoldWarehouse(openWarehouse({ url, id, token: async () => login.token.reveal() }), options);
  const tokens = openEntraTokens(login.identity);
  const warehouse = openWarehouse({ url, id, token: () => tokens.current(), onRefused: () => tokens.refused() });
  return openGoldWarehouse(warehouse, options);
}
