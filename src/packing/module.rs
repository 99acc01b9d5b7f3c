//! A WebAssembly module, taken apart as far as marking and cutting need.

use std::fmt;
use std::ops::Range;

use wasm_encoder::reencode::{self, Reencode, RoundtripReencoder};
use wasmparser::{ElementItems, ElementKind, ExternalKind, KnownCustom, Name, Operator, Parser, Payload, TypeRef};

/// What is wrong with a module, or what it has that a cut does not know.
#[derive(Debug)]
pub struct Unfit(pub String);

impl From<wasmparser::Error> for Unfit {
    fn from(error: wasmparser::Error) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: fmt::Display> From<reencode::Error<E>> for Unfit {
    fn from(error: reencode::Error<E>) -> Self {
        match error {
            reencode::Error::ParseError(error) => error.into(),
            error => Self(error.to_string()),
        }
    }
}

/// What a module imports or exports beside functions.
#[derive(Default)]
pub struct Things {
    /// Tables, memories and globals, each with those imported first.
    pub tables: Vec<wasm_encoder::TableType>,
    /// Their limits at the start.
    pub memories: Vec<wasm_encoder::MemoryType>,
    /// Without their first values.
    pub globals: Vec<wasm_encoder::GlobalType>,
}

/// How many of them are imported.
#[derive(Default)]
struct ImportedThings {
    tables: usize,
    memories: usize,
}

/// A module whose functions can be told apart; all else stays as it is. Functions are counted as the module counts them, the
/// imported ones first.
pub struct Module<'a> {
    bytes: &'a [u8],
    /// The sections that are taken over as they are, by their ids.
    raw: Vec<(u8, Range<usize>)>,
    /// Parameters and results of each type.
    pub types: Vec<wasmparser::FuncType>,
    /// Name and type of each imported function.
    pub imported: Vec<(String, u32)>,
    /// The type of each function of its own.
    pub functions: Vec<u32>,
    /// The code of each function of its own.
    pub bodies: Vec<wasmparser::FunctionBody<'a>>,
    /// All that is not a function, imported and own.
    pub things: Things,
    imported_things: ImportedThings,
    /// Name, kind and number of each export.
    pub exports: Vec<(String, wasm_encoder::ExportKind, u32)>,
    /// The function that runs when the module starts.
    pub start: Option<u32>,
    /// Functions of the first table, from a place on.
    pub elements: Vec<(u32, Vec<u32>)>,
    /// Names of functions, where the module has them.
    pub names: Vec<(u32, String)>,
}

/// A section that is copied: its number in the format, as the standard has it.
pub mod id {
    #![allow(missing_docs, reason = "the standard's words")]
    pub const TYPE: u8 = 1;
    pub const IMPORT: u8 = 2;
    pub const MEMORY: u8 = 5;
    pub const GLOBAL: u8 = 6;
    pub const ELEMENT: u8 = 9;
    pub const DATA: u8 = 11;
    pub const DATA_COUNT: u8 = 12;
}

impl<'a> Module<'a> {
    /// Reads a module. Fails on bytes that are not a module, and on what the toolchain of this crate does not write: functions referred
    /// to by expressions or outside the first table, types that are not functions, segments that are dropped.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Unfit> {
        let mut module = Self {
            bytes,
            raw: Vec::new(),
            types: Vec::new(),
            imported: Vec::new(),
            functions: Vec::new(),
            bodies: Vec::new(),
            things: Things::default(),
            imported_things: ImportedThings::default(),
            exports: Vec::new(),
            start: None,
            elements: Vec::new(),
            names: Vec::new(),
        };
        for payload in Parser::new(0).parse_all(bytes) {
            module.take(payload?)?;
        }
        Ok(module)
    }

    fn take(&mut self, payload: Payload<'a>) -> Result<(), Unfit> {
        let mut plain = RoundtripReencoder;
        match payload {
            Payload::TypeSection(section) => {
                self.keep(id::TYPE, section.range());
                for group in section.into_iter_err_on_gc_types() {
                    self.types.push(group?);
                }
            }
            Payload::ImportSection(section) => {
                self.keep(id::IMPORT, section.range());
                for import in section.into_imports() {
                    let import = import?;
                    match import.ty {
                        TypeRef::Func(ty) => self.imported.push((import.name.to_owned(), ty)),
                        TypeRef::Table(ty) => self.things.tables.push(plain.table_type(ty)?),
                        TypeRef::Memory(ty) => self.things.memories.push(plain.memory_type(ty)?),
                        TypeRef::Global(ty) => self.things.globals.push(plain.global_type(ty)?),
                        _ => return Err(Unfit(format!("import {} is not known", import.name))),
                    }
                }
                self.imported_things = ImportedThings {
                    tables: self.things.tables.len(),
                    memories: self.things.memories.len(),
                };
            }
            Payload::FunctionSection(section) => self.functions = section.into_iter().collect::<Result<_, _>>()?,
            Payload::TableSection(section) => {
                for table in section {
                    let table = table?;
                    if !matches!(table.init, wasmparser::TableInit::RefNull) {
                        return Err(Unfit("a table begins with a value".to_owned()));
                    }
                    self.things.tables.push(plain.table_type(table.ty)?);
                }
            }
            Payload::MemorySection(section) => {
                self.keep(id::MEMORY, section.range());
                for memory in section {
                    self.things.memories.push(plain.memory_type(memory?)?);
                }
            }
            Payload::GlobalSection(section) => {
                self.keep(id::GLOBAL, section.range());
                for global in section {
                    self.things.globals.push(plain.global_type(global?.ty)?);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    self.exports
                        .push((export.name.to_owned(), plain.export_kind(export.kind)?, export.index));
                    if export.kind == ExternalKind::Tag {
                        return Err(Unfit("a tag is exported".to_owned()));
                    }
                }
            }
            Payload::StartSection { func, .. } => self.start = Some(func),
            Payload::ElementSection(section) => {
                self.keep(id::ELEMENT, section.range());
                for element in section {
                    self.element(element?)?;
                }
            }
            Payload::DataCountSection { range, .. } => self.keep(id::DATA_COUNT, range),
            Payload::CodeSectionEntry(body) => self.bodies.push(body),
            Payload::DataSection(section) => self.keep(id::DATA, section.range()),
            Payload::CustomSection(section) => {
                if let KnownCustom::Name(names) = section.as_known() {
                    for name in names {
                        if let Name::Function(map) = name? {
                            for naming in map {
                                let naming = naming?;
                                self.names.push((naming.index, naming.name.to_owned()));
                            }
                        }
                    }
                }
            }
            Payload::Version { .. } | Payload::CodeSectionStart { .. } | Payload::End(_) => {}
            other => return Err(Unfit(format!("a section is not known: {other:?}"))),
        }
        Ok(())
    }

    fn element(&mut self, element: wasmparser::Element<'a>) -> Result<(), Unfit> {
        let unfit = || Unfit("functions are put into a table in a way that is not known".to_owned());
        let (
            ElementKind::Active {
                table_index: None | Some(0),
                offset_expr,
            },
            ElementItems::Functions(functions),
        ) = (element.kind, element.items)
        else {
            return Err(unfit());
        };
        let Operator::I32Const { value } = offset_expr.get_operators_reader().read()? else {
            return Err(unfit());
        };
        let functions = functions.into_iter().collect::<Result<_, _>>()?;
        self.elements.push((value.cast_unsigned(), functions));
        Ok(())
    }

    fn keep(&mut self, section: u8, range: Range<u64>) {
        // A module that is in memory is shorter than what `usize` counts.
        self.raw.push((section, range.start as usize..range.end as usize));
    }

    /// Writes the section of a kind as it was, where the module has one.
    pub fn copy(&self, section: u8, out: &mut wasm_encoder::Module) {
        if let Some((id, range)) = self.raw.iter().find(|(id, _)| *id == section) {
            out.section(&wasm_encoder::RawSection {
                id: *id,
                data: &self.bytes[range.clone()],
            });
        }
    }

    /// The types of functions, as a module lists them.
    pub fn function_section(&self, types: &[u32]) -> wasm_encoder::FunctionSection {
        let mut section = wasm_encoder::FunctionSection::new();
        for ty in types {
            section.function(*ty);
        }
        section
    }

    /// Its own tables, the first of all with `more` places at its end.
    pub fn own_tables(&self, more: u64) -> wasm_encoder::TableSection {
        let mut section = wasm_encoder::TableSection::new();
        for (at, table) in self.things.tables.iter().enumerate().skip(self.imported_things.tables) {
            let more = if at == 0 { more } else { 0 };
            section.table(wasm_encoder::TableType {
                minimum: table.minimum + more,
                maximum: table.maximum.map(|m| m + more),
                ..*table
            });
        }
        section
    }

    /// Its own memories.
    pub fn own_memories(&self) -> wasm_encoder::MemorySection {
        let mut section = wasm_encoder::MemorySection::new();
        for memory in &self.things.memories[self.imported_things.memories..] {
            section.memory(*memory);
        }
        section
    }

    /// Its own globals with their first values.
    pub fn own_globals(&self) -> Result<wasm_encoder::GlobalSection, Unfit> {
        let mut section = wasm_encoder::GlobalSection::new();
        if let Some((_, range)) = self.raw.iter().find(|(id, _)| *id == id::GLOBAL) {
            let reader = wasmparser::BinaryReader::new(&self.bytes[range.clone()], 0);
            RoundtripReencoder.parse_global_section(&mut section, wasmparser::GlobalSectionReader::new(reader)?)?;
        }
        Ok(section)
    }

    /// All that it exports, functions by the numbers that `renumber` has for them.
    pub fn all_exports(&self, renumber: impl Fn(u32) -> u32) -> wasm_encoder::ExportSection {
        let mut section = wasm_encoder::ExportSection::new();
        for (name, kind, index) in &self.exports {
            let index = if *kind == wasm_encoder::ExportKind::Func {
                renumber(*index)
            } else {
                *index
            };
            section.export(name, *kind, index);
        }
        section
    }

    /// The number of a function of its own among all.
    pub fn number(&self, own: usize) -> u32 {
        (self.imported.len() + own) as u32
    }

    /// The place of a function among its own ones; nothing for one that is imported.
    pub fn own(&self, function: u32) -> Option<usize> {
        (function as usize).checked_sub(self.imported.len())
    }

    /// The type of a function.
    pub fn type_of(&self, function: u32) -> u32 {
        match self.own(function) {
            Some(own) => self.functions[own],
            None => self.imported[function as usize].1,
        }
    }

    /// The functions that one of its own calls by their numbers. Fails on code that cannot be read, and on code that makes a
    /// reference of a function.
    pub fn calls(&self, own: usize) -> Result<Vec<u32>, Unfit> {
        let mut called = Vec::new();
        let mut operators = self.bodies[own].get_operators_reader()?;
        while !operators.eof() {
            match operators.read()? {
                Operator::Call { function_index } | Operator::ReturnCall { function_index } => {
                    called.push(function_index)
                }
                Operator::RefFunc { .. }
                | Operator::MemoryInit { .. }
                | Operator::DataDrop { .. }
                | Operator::ElemDrop { .. }
                | Operator::TableInit { .. } => {
                    return Err(Unfit(format!(
                        "function {} refers to what a cut moves",
                        self.number(own)
                    )));
                }
                _ => {}
            }
        }
        Ok(called)
    }
}
