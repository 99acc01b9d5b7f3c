/** What a Content-Security-Policy has refused, as the browser reports it. */
export interface Violation {
  /** The directive, such as `worker-src`. */
  directive: string;
  /** What was refused: a URL, or a word such as `wasm-eval` or `blob`. */
  blocked: string;
}

/** Notes what the page's Content-Security-Policy refuses, from when it is made until `end()`. */
export class Violations {
  readonly #seen: Violation[] = [];
  readonly #note = (event: SecurityPolicyViolationEvent) => {
    if (event.disposition !== 'report') this.#seen.push({ directive: event.effectiveDirective, blocked: event.blockedURI });
  };

  constructor() {
    globalThis.addEventListener?.('securitypolicyviolation', this.#note);
  }

  /** The first one for which `is` holds, once the browser has reported what it has to report. */
  async find(is: (violation: Violation) => boolean): Promise<Violation | undefined> {
    // Reports are tasks of their own, after the failure that they explain.
    for (let turn = 0; turn < 3 && !this.#seen.some(is); turn++) await new Promise((go) => setTimeout(go, 10));
    return this.#seen.find(is);
  }

  end(): void {
    globalThis.removeEventListener?.('securitypolicyviolation', this.#note);
  }
}
