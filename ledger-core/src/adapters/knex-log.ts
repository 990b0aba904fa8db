const nothing = () => undefined;

/** For knex, which prints to the console what it also throws: whoever catches it writes it to the log. */
export const silentLog = { debug: nothing, warn: nothing, error: nothing, deprecate: nothing };
