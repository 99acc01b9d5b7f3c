export const BY_HAND: string[];
export function camelCase(name: string): string;
export function functionTable(): Promise<unknown>;
