export function isKnown(expression: string): boolean;
export function check(packages: readonly { name: string; version: string; license: string | null }[]): void;
