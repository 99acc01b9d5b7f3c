import type { MessageShape } from '@bufbuild/protobuf';
import { SparkTypeError } from '../errors.js';
import type { DataTypeSchema } from '../generated/spark/connect/types_pb.js';
import { parseType } from '../values/ddl.js';
import * as T from '../values/types.js';
import type { DataTypeMessage } from './messages.js';

const ATOMIC = {
  null: T.NullType,
  boolean: T.BooleanType,
  byte: T.ByteType,
  short: T.ShortType,
  integer: T.IntegerType,
  long: T.LongType,
  float: T.FloatType,
  double: T.DoubleType,
  string: T.StringType,
  binary: T.BinaryType,
  date: T.DateType,
  timestamp: T.TimestampType,
  timestampNtz: T.TimestampNTZType,
} as const;

/** The protobuf form of a type. */
export function typeToMessage(type: T.DataType): DataTypeMessage {
  for (const [name, atomic] of Object.entries(ATOMIC)) {
    if (type === atomic) return { kind: { case: name as 'integer', value: {} } };
  }
  if (type instanceof T.DecimalType) return { kind: { case: 'decimal', value: { precision: type.precision, scale: type.scale } } };
  if (type instanceof T.ArrayType) {
    return { kind: { case: 'array', value: { elementType: typeToMessage(type.elementType), containsNull: type.containsNull } } };
  }
  if (type instanceof T.MapType) {
    const { valueContainsNull } = type;
    return {
      kind: { case: 'map', value: { keyType: typeToMessage(type.keyType), valueType: typeToMessage(type.valueType), valueContainsNull } },
    };
  }
  if (type instanceof T.StructType) {
    const fields = type.fields.map((f) => ({ name: f.name, dataType: typeToMessage(f.dataType), nullable: f.nullable }));
    return { kind: { case: 'struct', value: { fields } } };
  }
  return { kind: { case: 'unparsed', value: { dataTypeString: type.simpleString() } } };
}

/** A type from its protobuf form. Kinds that this client has no class for come as atomic types of that name. */
export function typeFromMessage(message: MessageShape<typeof DataTypeSchema> | undefined): T.DataType {
  const kind = message?.kind;
  if (kind?.case === undefined) throw new SparkTypeError('The engine sent a type without a kind', { condition: 'INTERNAL_ERROR' });
  switch (kind.case) {
    case 'decimal':
      return new T.DecimalType(kind.value.precision ?? 10, kind.value.scale ?? 0);
    case 'array':
      return new T.ArrayType(typeFromMessage(kind.value.elementType), kind.value.containsNull);
    case 'map':
      return new T.MapType(typeFromMessage(kind.value.keyType), typeFromMessage(kind.value.valueType), kind.value.valueContainsNull);
    case 'struct':
      return new T.StructType(
        kind.value.fields.map(
          (f) =>
            new T.StructField(
              f.name,
              typeFromMessage(f.dataType),
              f.nullable,
              f.metadata ? (JSON.parse(f.metadata) as Record<string, unknown>) : {},
            ),
        ),
      );
    case 'udt':
      return typeFromMessage(kind.value.sqlType);
    case 'unparsed':
      return parseType(kind.value.dataTypeString);
    case 'char':
      return new T.AtomicType(`char(${kind.value.length})`);
    case 'varChar':
      return new T.AtomicType(`varchar(${kind.value.length})`);
    default:
      return (ATOMIC as Record<string, T.DataType>)[kind.case] ?? new T.AtomicType(kind.case);
  }
}
