// Functions that pages name as { module, export }.
export const tenfold = (x) => 10 * x;
