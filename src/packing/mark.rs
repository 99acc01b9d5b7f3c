//! Marks which functions run.

use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{CodeSection, ExportKind, Instruction, MemArg, MemArgTarget, MemoryType};

use super::module::{Module, Unfit, id};

/// The name of the memory that a marked module has more: a byte per function of its own, 1 once it has run.
pub const MARKS: &str = "rivulet_marks";

/// How much a page of a memory holds.
const PAGE: usize = 65_536;

/// Writes a module that does the same and notes in a memory of its own, exported as [`MARKS`], which functions have run. Fails
/// on code that cannot be read.
pub fn marked(module: &Module<'_>) -> Result<Vec<u8>, Unfit> {
    let memory = module.things.memories.len() as u32;
    let mut memories = module.own_memories();
    let pages = module.functions.len().div_ceil(PAGE) as u64;
    memories.memory(MemoryType {
        minimum: pages,
        maximum: Some(pages),
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut exports = module.all_exports(|function| function);
    exports.export(MARKS, ExportKind::Memory, memory);
    let mut code = CodeSection::new();
    let mut plain = RoundtripReencoder;
    for (own, body) in module.bodies.iter().enumerate() {
        let mut function = plain.new_function_with_parsed_locals(body)?;
        function.instruction(&Instruction::I32Const(0));
        function.instruction(&Instruction::I32Const(1));
        function.instruction(&Instruction::I32Store8(MemArg {
            offset: own as u64,
            align: 0,
            target: MemArgTarget::Memory(memory),
            ordering: None,
        }));
        // The rest of the body as it was, its end included.
        let mut operators = body.get_binary_reader_for_operators()?;
        let left = operators.bytes_remaining();
        function.raw(operators.read_bytes(left)?.iter().copied());
        code.function(&function);
    }

    let mut out = wasm_encoder::Module::new();
    module.copy(id::TYPE, &mut out);
    module.copy(id::IMPORT, &mut out);
    out.section(&module.function_section(&module.functions));
    out.section(&module.own_tables(0));
    out.section(&memories);
    module.copy(id::GLOBAL, &mut out);
    out.section(&exports);
    if let Some(function_index) = module.start {
        out.section(&wasm_encoder::StartSection { function_index });
    }
    module.copy(id::ELEMENT, &mut out);
    module.copy(id::DATA_COUNT, &mut out);
    out.section(&code);
    module.copy(id::DATA, &mut out);
    Ok(out.finish())
}
