// Where sessions run: in this page, or on the Spark cluster that the page's address names (`?remote=sc://localhost:9095`).
import { SparkSession } from 'rivulet';

/** The connection string; null without a cluster. */
export const remote = new URLSearchParams(location.search).get('remote');

/** A builder of sessions, with that number of executors where they are the page's own. */
export const builderFor = (executors) =>
  remote ? SparkSession.builder.remote(remote) : SparkSession.builder.master(`local[${executors}]`);
