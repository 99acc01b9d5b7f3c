/**
 * Spark Connect's messages by the names that the rest of the client uses. Plans are written as plain objects in the shape
 * of the messages and become messages only when a request is encoded; no part of this is visible to users.
 */
import type { MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { SparkRuntimeException } from '../errors.js';
import type {
  AnalyzePlanRequestSchema,
  AnalyzePlanResponseSchema,
  ConfigRequestSchema,
  ConfigResponseSchema,
  ExecutePlanRequestSchema,
  ExecutePlanResponseSchema,
  InterruptRequestSchema,
  InterruptResponseSchema,
  ReleaseSessionRequestSchema,
} from '../generated/spark/connect/base_pb.js';
import type {
  CommandSchema,
  StreamingQueryCommandSchema,
  WriteStreamOperationStartSchema,
} from '../generated/spark/connect/commands_pb.js';
import type {
  Expression_LiteralSchema,
  Expression_SortOrderSchema,
  Expression_WindowSchema,
  ExpressionSchema,
} from '../generated/spark/connect/expressions_pb.js';
import type { RelationSchema } from '../generated/spark/connect/relations_pb.js';
import type { DataTypeSchema } from '../generated/spark/connect/types_pb.js';
import { decodeMessage, encodeMessage } from './message_codec.js';

type Init<T extends Parameters<typeof import('@bufbuild/protobuf').create>[0]> = Exclude<MessageInitShape<T>, { $typeName: string }>;

export type Relation = Init<typeof RelationSchema>;
export type RelationKind = Exclude<NonNullable<Relation['relType']>, { case: undefined }>;
export type Expression = Init<typeof ExpressionSchema>;
export type Literal = Init<typeof Expression_LiteralSchema>;
export type SortOrder = Init<typeof Expression_SortOrderSchema>;
export type WindowSpecMessage = Init<typeof Expression_WindowSchema>;
export type Command = Init<typeof CommandSchema>;
export type CommandKind = Exclude<NonNullable<Command['commandType']>, { case: undefined }>;
export type StreamingQueryCommand = Init<typeof StreamingQueryCommandSchema>;
export type WriteStreamStart = Init<typeof WriteStreamOperationStartSchema>;
export type DataTypeMessage = Init<typeof DataTypeSchema>;
export type AnalyzeKind = Exclude<NonNullable<Init<typeof AnalyzePlanRequestSchema>['analyze']>, { case: undefined }>;
export type AnalyzeResult = MessageShape<typeof AnalyzePlanResponseSchema>['result'];
export type ExecuteResponse = MessageShape<typeof ExecutePlanResponseSchema>;
export type ConfigOperation = NonNullable<NonNullable<Init<typeof ConfigRequestSchema>['operation']>['opType']>;

interface Requests {
  ExecutePlanRequest: Init<typeof ExecutePlanRequestSchema>;
  AnalyzePlanRequest: Init<typeof AnalyzePlanRequestSchema>;
  ConfigRequest: Init<typeof ConfigRequestSchema>;
  InterruptRequest: Init<typeof InterruptRequestSchema>;
  ReleaseSessionRequest: Init<typeof ReleaseSessionRequestSchema>;
}
interface Responses {
  ExecutePlanResponse: MessageShape<typeof ExecutePlanResponseSchema>;
  AnalyzePlanResponse: MessageShape<typeof AnalyzePlanResponseSchema>;
  ConfigResponse: MessageShape<typeof ConfigResponseSchema>;
  InterruptResponse: MessageShape<typeof InterruptResponseSchema>;
}

/** The bytes of a request. */
export function encode<K extends keyof Requests>(name: K, request: Requests[K]): Uint8Array {
  return encodeMessage(name, request);
}

/** Returns a response from its bytes. Throws INTERNAL_ERROR for one that is damaged. */
export function decode<K extends keyof Responses>(name: K, bytes: Uint8Array): Responses[K] {
  try {
    return decodeMessage(name, bytes) as unknown as Responses[K];
  } catch (cause) {
    throw new SparkRuntimeException(`The engine sent a damaged ${name}`, { cause });
  }
}
