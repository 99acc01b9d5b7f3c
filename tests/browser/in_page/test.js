// `node:test`, as far as tests that run in a page need it.
export const tests = [];

/** Notes a test; the page runs it when it is asked to. */
export function test(name, run) {
  tests.push({ name, run });
}
