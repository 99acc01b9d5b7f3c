//! Checks the messages of an Arrow IPC stream before Arrow's readers see them.
//!
//! Arrow checks flatbuffers and values, but trusts the numbers between them: a type that it does not know, a length that is
//! negative, a buffer beyond its message, a count of buffers that does not fit the schema end in a panic, and a length that
//! no byte stands behind in an allocation. All of that is checked here, at a cost per column and not per value.
//!
//! ```text
//! block ─▶ length, header, body within the block ─▶ flatbuffer ─▶ types known
//!                                                             └─▶ rows, nulls, buffers of every column within the body
//! ```
//!
//! What remains for Arrow: offsets that rise, UTF-8, keys within their dictionary.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{
    DataType, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, Schema, SchemaRef,
    validate_decimal_precision_and_scale,
};
use arrow::ipc;

/// What is wrong with a stream, as the end of a sentence.
pub(super) type Flaw = String;

/// Most rows of a column that holds no bytes for a row, such as one of nulls: nothing else bounds them.
pub(super) const MOST_ROWS_WITHOUT_BYTES: u64 = 1 << 24;

/// Most bytes that a compressed message may unpack to, if that is above [`MOST_UNPACKED_RATIO`].
const MOST_UNPACKED_BYTES: u64 = 64 << 20;

/// How many times its own size a compressed message may unpack to, if that is above [`MOST_UNPACKED_BYTES`].
const MOST_UNPACKED_RATIO: u64 = 64;

/// Most types within one another: what a flatbuffer of a schema may nest.
const MOST_NESTED: usize = 64;

/// A message whose every length is known to be sound.
pub(super) struct Message<'a> {
    /// What it is.
    pub kind: Kind<'a>,
    /// The version of the format.
    pub version: ipc::MetadataVersion,
    /// Where its body lies in the block.
    pub body: Range<usize>,
}

/// The kinds of messages in a stream.
pub(super) enum Kind<'a> {
    /// The first: columns.
    Schema,
    /// Rows.
    Batch(ipc::RecordBatch<'a>),
    /// Values that keys of later batches name.
    Dictionary(ipc::DictionaryBatch<'a>),
}

/// The messages of a stream, each checked when it is asked for.
pub(super) struct Messages<'a> {
    /// The whole stream.
    block: &'a [u8],
    /// Where the next message begins.
    at: usize,
    /// The columns, after the first message.
    pub schema: Option<SchemaRef>,
}

impl<'a> Messages<'a> {
    /// Returns the messages of a block.
    pub fn new(block: &'a [u8]) -> Self {
        Self {
            block,
            at: 0,
            schema: None,
        }
    }

    /// Takes bytes from the rest of the block.
    fn take(&mut self, bytes: usize) -> Result<Range<usize>, Flaw> {
        let end = self.at.checked_add(bytes).filter(|end| *end <= self.block.len());
        let end = end.ok_or_else(|| format!("it ends before the {bytes} bytes that it announces"))?;
        Ok(std::mem::replace(&mut self.at, end)..end)
    }

    /// Takes a number of four bytes.
    fn number(&mut self) -> Result<u32, Flaw> {
        let range = self.take(4)?;
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&self.block[range]);
        Ok(u32::from_le_bytes(bytes))
    }

    /// Returns the next message; `None` after the last one, or where the block ends.
    pub fn next(&mut self) -> Result<Option<Message<'a>>, Flaw> {
        if self.at == self.block.len() {
            return Ok(None);
        }
        let mut size = self.number()?;
        if size == u32::MAX {
            size = self.number()?;
        }
        if size == 0 {
            return match self.at == self.block.len() {
                true => Ok(None),
                false => Err("bytes follow its end".into()),
            };
        }
        let size = usize::try_from(size).map_err(|e| e.to_string())?;
        let header = self.take(size)?;
        let message = ipc::root_as_message(&self.block[header]).map_err(|e| format!("a header is damaged: {e}"))?;
        let length = usize::try_from(message.bodyLength()).map_err(|_| "the length of a body is negative")?;
        let body = self.take(length)?;
        let bytes = &self.block[body.clone()];
        let kind = match message.header_type() {
            ipc::MessageHeader::Schema => {
                let schema = message.header_as_schema().ok_or("a schema is missing")?;
                if self.schema.is_some() {
                    return Err("it has two schemas".into());
                }
                self.schema = Some(Arc::new(checked_schema(schema)?));
                Kind::Schema
            }
            ipc::MessageHeader::RecordBatch => {
                let batch = message.header_as_record_batch().ok_or("a batch is missing")?;
                let schema = self.schema.as_ref().ok_or("rows stand before the schema")?;
                checked_batch(&batch, schema.fields().iter().map(|f| f.data_type()), bytes)?;
                Kind::Batch(batch)
            }
            ipc::MessageHeader::DictionaryBatch => {
                let dictionary = message.header_as_dictionary_batch().ok_or("a dictionary is missing")?;
                let schema = self.schema.as_ref().ok_or("a dictionary stands before the schema")?;
                let id = dictionary.id();
                let values = values_of(schema, id).ok_or_else(|| format!("no column has the dictionary {id}"))?;
                let data = dictionary.data().ok_or("a dictionary has no values")?;
                checked_batch(&data, std::iter::once(values), bytes)?;
                Kind::Dictionary(dictionary)
            }
            other => return Err(format!("a message is of an unknown kind, {}", other.0)),
        };
        Ok(Some(Message {
            kind,
            version: message.version(),
            body,
        }))
    }
}

/// Returns the type of a dictionary's values.
fn values_of(schema: &Schema, id: i64) -> Option<&DataType> {
    #[allow(deprecated)] // Ids live on fields until Arrow has another place for them; its own reader looks here.
    let fields = schema.fields_with_dict_id(id);
    match fields.first()?.data_type() {
        DataType::Dictionary(_, values) => Some(values),
        _ => None,
    }
}

/// Returns a message's schema, if all its types are known.
fn checked_schema(schema: ipc::Schema<'_>) -> Result<Schema, Flaw> {
    if schema.endianness() != ipc::Endianness::Little {
        return Err("its numbers are big-endian".into());
    }
    for field in schema.fields().ok_or("its schema has no columns")? {
        known(field, 0)?;
    }
    let schema = ipc::convert::fb_to_schema(schema);
    schema.fields().iter().try_for_each(|f| sound(f.data_type()))?;
    Ok(schema)
}

/// Checks that Arrow can convert a field: it panics at types that it does not know.
fn known(field: ipc::Field<'_>, depth: usize) -> Result<(), Flaw> {
    use ipc::Type;
    let kind = field.type_type();
    let named = || {
        let name = field.name().unwrap_or_default();
        format!("column {name:?} has a type that is not known: {}", kind.0)
    };
    if depth > MOST_NESTED {
        return Err(format!("more than {MOST_NESTED} types are within one another"));
    }
    if let Some(dictionary) = field.dictionary() {
        dictionary.indexType().filter(whole).ok_or_else(named)?;
    }
    let children = match kind {
        Type::List | Type::LargeList | Type::FixedSizeList | Type::Map => Some(1),
        Type::Struct_ => Some(field.children().map_or(0, |c| c.len())),
        _ => None,
    };
    if let Some(wanted) = children {
        let found = field.children();
        if found.map_or(0, |c| c.len()) != wanted {
            return Err(named());
        }
        for child in found.into_iter().flatten() {
            known(child, depth + 1)?;
        }
    }
    let is_known = match kind {
        Type::Null | Type::Bool | Type::Binary | Type::LargeBinary | Type::BinaryView => true,
        Type::Utf8 | Type::LargeUtf8 | Type::Utf8View | Type::List | Type::LargeList | Type::Struct_ => true,
        Type::Int => field.type_as_int().as_ref().is_some_and(whole),
        Type::FixedSizeBinary => field.type_as_fixed_size_binary().is_some_and(|t| t.byteWidth() >= 0),
        Type::FixedSizeList => field.type_as_fixed_size_list().is_some_and(|t| t.listSize() >= 0),
        Type::Map => field.type_as_map().is_some(),
        Type::FloatingPoint => field
            .type_as_floating_point()
            .is_some_and(|t| t.precision().variant_name().is_some()),
        Type::Date => field.type_as_date().is_some_and(|t| t.unit().variant_name().is_some()),
        Type::Timestamp => field
            .type_as_timestamp()
            .is_some_and(|t| t.unit().variant_name().is_some()),
        Type::Duration => field
            .type_as_duration()
            .is_some_and(|t| t.unit().variant_name().is_some()),
        Type::Interval => field
            .type_as_interval()
            .is_some_and(|t| t.unit().variant_name().is_some()),
        Type::Time => field.type_as_time().is_some_and(|t| match t.unit() {
            ipc::TimeUnit::SECOND | ipc::TimeUnit::MILLISECOND => t.bitWidth() == 32,
            ipc::TimeUnit::MICROSECOND | ipc::TimeUnit::NANOSECOND => t.bitWidth() == 64,
            _ => false,
        }),
        Type::Decimal => field.type_as_decimal().is_some_and(|t| {
            matches!(t.bitWidth(), 32 | 64 | 128 | 256)
                && u8::try_from(t.precision()).is_ok()
                && i8::try_from(t.scale()).is_ok()
        }),
        _ => false,
    };
    if is_known { Ok(()) } else { Err(named()) }
}

/// Returns whether Arrow has whole numbers of these bits.
fn whole(int: &ipc::Int<'_>) -> bool {
    matches!(int.bitWidth(), 8 | 16 | 32 | 64)
}

/// Checks what a type's own rules ask: decimals' digits, a map's entries.
fn sound(data_type: &DataType) -> Result<(), Flaw> {
    let digits = match data_type {
        DataType::Decimal32(p, s) => validate_decimal_precision_and_scale::<Decimal32Type>(*p, *s),
        DataType::Decimal64(p, s) => validate_decimal_precision_and_scale::<Decimal64Type>(*p, *s),
        DataType::Decimal128(p, s) => validate_decimal_precision_and_scale::<Decimal128Type>(*p, *s),
        DataType::Decimal256(p, s) => validate_decimal_precision_and_scale::<Decimal256Type>(*p, *s),
        DataType::Dictionary(_, values) => return sound(values),
        DataType::List(f) | DataType::LargeList(f) | DataType::FixedSizeList(f, _) => return sound(f.data_type()),
        DataType::Struct(fields) => return fields.iter().try_for_each(|f| sound(f.data_type())),
        DataType::Map(entries, _) => {
            let DataType::Struct(fields) = entries.data_type() else {
                return Err("the entries of a map are not structs".into());
            };
            if fields.len() != 2 {
                return Err("the entries of a map are not pairs".into());
            }
            return sound(entries.data_type());
        }
        _ => Ok(()),
    };
    digits.map_err(|e| e.to_string())
}

/// Checks that a batch's columns lie within its body.
fn checked_batch<'t>(
    batch: &ipc::RecordBatch<'_>,
    mut columns: impl Iterator<Item = &'t DataType>,
    body: &[u8],
) -> Result<(), Flaw> {
    let rows = u64::try_from(batch.length()).map_err(|_| "the number of rows is negative")?;
    let compression = batch.compression();
    if let Some(compression) = compression
        && compression.method() != ipc::BodyCompressionMethod::BUFFER
    {
        return Err("a batch is compressed in a way that is not known".into());
    }
    let mut walk = Walk {
        nodes: batch.nodes().ok_or("a batch has no columns")?.iter(),
        buffers: batch.buffers().ok_or("a batch has no buffers")?.iter(),
        variadic: batch.variadicBufferCounts().map(|v| v.iter()),
        body,
        compressed: compression.is_some(),
        end: 0,
        unpacked: 0,
    };
    let mut any = false;
    for column in columns.by_ref() {
        any = true;
        if walk.column(column)? != rows {
            return Err("a column has another number of rows than its batch".into());
        }
    }
    if !any {
        without_bytes(rows)?;
    }
    let more = walk.nodes.next().is_some() || walk.buffers.next().is_some();
    if more || walk.variadic.is_some_and(|mut v| v.next().is_some()) {
        return Err("a batch has more columns than its schema".into());
    }
    Ok(())
}

/// Checks the number of rows of a column that holds no bytes for a row.
fn without_bytes(rows: u64) -> Result<(), Flaw> {
    if rows > MOST_ROWS_WITHOUT_BYTES {
        return Err(format!(
            "{rows} rows have no bytes; a batch may have {MOST_ROWS_WITHOUT_BYTES} of them"
        ));
    }
    Ok(())
}

/// A walk over the columns of a batch, in the order in which Arrow reads them.
struct Walk<'a, N, B, V> {
    /// Rows and nulls of the columns that are left.
    nodes: N,
    /// Places of the buffers that are left.
    buffers: B,
    /// How many data buffers columns of views have.
    variadic: Option<V>,
    /// The bytes.
    body: &'a [u8],
    /// Whether buffers are packed, each behind its unpacked length.
    compressed: bool,
    /// Where the last buffer ended: buffers do not overlap, so their copies are no larger than the body.
    end: usize,
    /// Bytes that compressed buffers unpack to.
    unpacked: u64,
}

impl<'f, N, B, V> Walk<'_, N, B, V>
where
    N: Iterator<Item = &'f ipc::FieldNode>,
    B: Iterator<Item = &'f ipc::Buffer>,
    V: Iterator<Item = i64>,
{
    /// Checks one column and those within it; returns its rows.
    fn column(&mut self, data_type: &DataType) -> Result<u64, Flaw> {
        let node = self.nodes.next().ok_or("a batch has fewer columns than its schema")?;
        let rows = u64::try_from(node.length()).map_err(|_| "the number of rows is negative")?;
        let nulls = u64::try_from(node.null_count()).map_err(|_| "the number of nulls is negative")?;
        if nulls > rows {
            return Err("a column has more nulls than rows".into());
        }
        if *data_type == DataType::Null {
            without_bytes(rows)?;
            return Ok(rows);
        }
        self.at_least(if nulls > 0 { rows.div_ceil(8) } else { 0 })?;
        match data_type {
            DataType::Boolean => {
                self.at_least(rows.div_ceil(8))?;
            }
            DataType::Utf8 | DataType::Binary => {
                self.offsets(rows, 4)?;
                self.at_least(0)?;
            }
            DataType::LargeUtf8 | DataType::LargeBinary => {
                self.offsets(rows, 8)?;
                self.at_least(0)?;
            }
            DataType::Utf8View | DataType::BinaryView => {
                self.fixed(rows, 16)?;
                let buffers = self.variadic.as_mut().and_then(Iterator::next);
                for _ in 0..buffers
                    .ok_or("a column of views does not say how many buffers it has")?
                    .max(0)
                {
                    self.at_least(0)?;
                }
                if buffers.is_some_and(|n| n < 0) {
                    return Err("the number of buffers is negative".into());
                }
            }
            DataType::FixedSizeBinary(width) => {
                if *width == 0 {
                    without_bytes(rows)?;
                }
                self.fixed(rows, u64::from(width.unsigned_abs()))?;
            }
            DataType::List(child) | DataType::Map(child, _) => {
                self.offsets(rows, 4)?;
                self.column(child.data_type())?;
            }
            DataType::LargeList(child) => {
                self.offsets(rows, 8)?;
                self.column(child.data_type())?;
            }
            DataType::FixedSizeList(child, size) => {
                if *size == 0 {
                    without_bytes(rows)?;
                }
                let inner = self.column(child.data_type())?;
                if rows
                    .checked_mul(u64::from(size.unsigned_abs()))
                    .is_none_or(|n| n > inner)
                {
                    return Err("a list of fixed size has too few values".into());
                }
            }
            DataType::Struct(fields) => {
                if fields.is_empty() {
                    without_bytes(rows)?;
                }
                for field in fields {
                    if self.column(field.data_type())? != rows {
                        return Err("a field has another number of rows than its struct".into());
                    }
                }
            }
            DataType::Dictionary(key, _) => self.fixed(rows, width(key)?)?,
            other => self.fixed(rows, width(other)?)?,
        }
        Ok(rows)
    }

    /// Checks a buffer of one value a row. It holds whole values, or Arrow panics where it looks at them as numbers.
    fn fixed(&mut self, rows: u64, width: u64) -> Result<(), Flaw> {
        let bytes = self.at_least(rows.checked_mul(width).ok_or("a column has too many rows")?)?;
        if width.is_power_of_two() && bytes % width != 0 {
            return Err(format!("a buffer of {bytes} bytes holds values of {width}"));
        }
        Ok(())
    }

    /// Checks a buffer of offsets, which has one more than rows, or none at all.
    fn offsets(&mut self, rows: u64, width: u64) -> Result<(), Flaw> {
        self.fixed(if rows == 0 { 0 } else { rows + 1 }, width)
    }

    /// Checks that the next buffer lies within the body, after the one before, and has enough bytes; returns how many.
    fn at_least(&mut self, wanted: u64) -> Result<u64, Flaw> {
        let buffer = self.buffers.next().ok_or("a batch has fewer buffers than its schema")?;
        let (Ok(start), Ok(length)) = (usize::try_from(buffer.offset()), usize::try_from(buffer.length())) else {
            return Err("the place of a buffer is negative".into());
        };
        let end = start.checked_add(length).filter(|end| *end <= self.body.len());
        let end = end.ok_or("a buffer ends beyond its message")?;
        let mut bytes = length as u64;
        if length > 0 {
            if start < self.end {
                return Err("two buffers overlap".into());
            }
            self.end = end;
            if self.compressed {
                bytes = self.unpacked_length(&self.body[start..end])?;
            }
        }
        if bytes < wanted {
            return Err(format!("a buffer of {wanted} bytes has only {bytes}"));
        }
        Ok(bytes)
    }

    /// Returns how many bytes a packed buffer says it has.
    fn unpacked_length(&mut self, packed: &[u8]) -> Result<u64, Flaw> {
        let (prefix, rest) = packed.split_first_chunk::<8>().ok_or("a packed buffer has no length")?;
        let length = match i64::from_le_bytes(*prefix) {
            -1 => return Ok(rest.len() as u64),
            length => u64::try_from(length).map_err(|_| "the length of a packed buffer is negative")?,
        };
        self.unpacked = self.unpacked.saturating_add(length);
        let most = MOST_UNPACKED_BYTES.max((self.body.len() as u64).saturating_mul(MOST_UNPACKED_RATIO));
        if self.unpacked > most {
            return Err(format!(
                "a compressed message of {} bytes unpacks to more than {most}",
                self.body.len()
            ));
        }
        Ok(length)
    }
}

/// Returns the bytes of one value.
fn width(data_type: &DataType) -> Result<u64, Flaw> {
    let width = data_type.primitive_width();
    Ok(width.ok_or_else(|| format!("{data_type} is not a type of blocks"))? as u64)
}
