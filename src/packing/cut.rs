//! Cuts a module in two: a first part, and the rest, which is fetched when one of its functions is called first.

use std::collections::BTreeMap;

use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, ElementSection, Elements, EntityType, ExportKind, Function, GlobalType,
    ImportSection, Instruction, StartSection, TableType, ValType,
};

use super::module::{Module, Unfit, id};

/// Where the rest finds what the first part exports.
pub const FIRST: &str = "first";

/// What a function of the script is called that fetches the rest and puts it in its place.
const LOADER: &str = "rivuletLoadRest";

/// Before the names of functions that the first part exports for the rest.
const PREFIX: &str = "_";

/// Before the names of tables, memories and globals.
const THING: &str = "-";

/// Both parts of a module.
pub struct Parts {
    /// What a page starts with.
    pub first: Vec<u8>,
    /// The rest: it imports from the first part, and puts its functions into the first part's table.
    pub rest: Vec<u8>,
    /// How many functions of the rest the first part may call.
    pub stubs: usize,
    /// How many functions the first part exports for the rest.
    pub shared: usize,
}

/// Gives functions other numbers.
struct Renumber<'m>(&'m [Option<u32>]);

impl Reencode for Renumber<'_> {
    type Error = Unfit;

    fn function_index(&mut self, function: u32) -> Result<u32, reencode::Error<Unfit>> {
        let missing = || reencode::Error::UserError(Unfit(format!("function {function} is in neither part")));
        self.0.get(function as usize).copied().flatten().ok_or_else(missing)
    }
}

/// Cuts a module in two; `keep` says of each function of its own whether it is of the first part.
///
/// Both parts share memory, tables and globals. Where the first part refers to a function of the rest, it has a stub: that has
/// the script fetch the rest if it is not there yet, and calls the function through the table. The rest puts its functions into
/// their places when it starts, so that calls through the table come to the stub only before that.
///
/// Fails on modules that are not of this crate's toolchain, and on one that does not import the loader.
pub fn cut(module: &Module<'_>, keep: &[bool]) -> Result<Parts, Unfit> {
    let plan = Plan::new(module, keep)?;
    Ok(Parts {
        first: plan.first()?,
        rest: plan.rest()?,
        stubs: plan.slots.len(),
        shared: plan.shared.len(),
    })
}

struct Plan<'m, 'a> {
    module: &'m Module<'a>,
    keep: &'m [bool],
    /// The import that fetches the rest.
    loader: u32,
    /// Functions of the rest to which the first part refers, with their places in the table.
    slots: BTreeMap<u32, Vec<u32>>,
    /// Places that the table has more.
    more: u32,
    /// Functions of the first part, and imported ones, that the rest calls.
    shared: Vec<u32>,
}

impl<'m, 'a> Plan<'m, 'a> {
    fn new(module: &'m Module<'a>, keep: &'m [bool]) -> Result<Self, Unfit> {
        let loader = module.imported.iter().position(|(name, _)| name.contains(LOADER));
        let loader = loader.ok_or_else(|| Unfit(format!("the module does not import {LOADER}")))? as u32;
        let table = *module
            .things
            .tables
            .first()
            .ok_or_else(|| Unfit("the module has no table".to_owned()))?;
        let is_rest = |function: u32| module.own(function).is_some_and(|own| !keep[own]);

        let mut slots: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let mut shared = vec![false; module.imported.len() + module.functions.len()];
        for (own, keep) in keep.iter().enumerate() {
            for called in module.calls(own)? {
                if *keep && is_rest(called) {
                    slots.entry(called).or_default();
                } else if !*keep && !is_rest(called) {
                    shared[called as usize] = true;
                }
            }
        }
        for (_, kind, index) in &module.exports {
            if *kind == ExportKind::Func && is_rest(*index) {
                slots.entry(*index).or_default();
            }
        }
        if let Some(start) = module.start.filter(|start| is_rest(*start)) {
            slots.entry(start).or_default();
        }
        for (offset, functions) in &module.elements {
            for (slot, function) in (*offset..).zip(functions) {
                if is_rest(*function) {
                    slots.entry(*function).or_default().push(slot);
                }
            }
        }
        let end = u32::try_from(table.minimum).map_err(|_| Unfit("the table is too large".to_owned()))?;
        let mut more = 0;
        for places in slots.values_mut().filter(|places| places.is_empty()) {
            places.push(end + more);
            more += 1;
        }
        let shared = (0..)
            .zip(&shared)
            .filter(|(_, is_shared)| **is_shared)
            .map(|(function, _)| function)
            .collect();
        Ok(Self {
            module,
            keep,
            loader,
            slots,
            more,
            shared,
        })
    }

    /// Functions of its own that are of a part.
    fn of(&self, first: bool) -> impl Iterator<Item = usize> {
        self.keep
            .iter()
            .enumerate()
            .filter(move |(_, keep)| **keep == first)
            .map(|(own, _)| own)
    }

    fn first(&self) -> Result<Vec<u8>, Unfit> {
        let module = self.module;
        let mut numbers = vec![None; module.imported.len() + module.functions.len()];
        let mut next = 0..;
        for (function, number) in (0..module.imported.len()).zip(next.by_ref()) {
            numbers[function] = Some(number);
        }
        let mut types = Vec::new();
        for own in self.of(true) {
            numbers[module.number(own) as usize] = next.next();
            types.push(module.functions[own]);
        }
        for function in self.slots.keys() {
            numbers[*function as usize] = next.next();
            types.push(module.type_of(*function));
        }
        let mut renumber = Renumber(&numbers);
        let loaded = module.things.globals.len() as u32;

        let mut code = CodeSection::new();
        for own in self.of(true) {
            renumber.parse_function_body(&mut code, module.bodies[own].clone())?;
        }
        for (function, places) in &self.slots {
            code.function(&self.stub(*function, places[0], loaded));
        }
        let mut globals = module.own_globals()?;
        globals.global(LOADED, &ConstExpr::i32_const(0));
        let number = |function: u32| numbers[function as usize].unwrap_or_default();
        let mut exports = module.all_exports(number);
        for (name, kind, index) in self.things() {
            exports.export(&name, kind, index);
        }
        for function in &self.shared {
            exports.export(&name_of(*function), ExportKind::Func, number(*function));
        }
        let mut elements = ElementSection::new();
        for (offset, functions) in &module.elements {
            let functions: Vec<_> = functions.iter().map(|f| number(*f)).collect();
            elements.active(
                None,
                &ConstExpr::i32_const(offset.cast_signed()),
                Elements::Functions(functions.into()),
            );
        }

        let mut out = wasm_encoder::Module::new();
        module.copy(id::TYPE, &mut out);
        module.copy(id::IMPORT, &mut out);
        out.section(&module.function_section(&types));
        out.section(&module.own_tables(self.more.into()));
        out.section(&module.own_memories());
        out.section(&globals);
        out.section(&exports);
        if let Some(start) = module.start {
            out.section(&StartSection {
                function_index: number(start),
            });
        }
        out.section(&elements);
        module.copy(id::DATA_COUNT, &mut out);
        out.section(&code);
        module.copy(id::DATA, &mut out);
        Ok(out.finish())
    }

    /// Stands in the first part for a function of the rest.
    fn stub(&self, function: u32, slot: u32, loaded: u32) -> Function {
        let ty = self.module.type_of(function);
        let mut stub = Function::new([]);
        stub.instruction(&Instruction::GlobalGet(loaded));
        stub.instruction(&Instruction::I32Eqz);
        stub.instruction(&Instruction::If(BlockType::Empty));
        stub.instruction(&Instruction::Call(self.loader));
        stub.instruction(&Instruction::End);
        for parameter in (0..).take(self.module.types[ty as usize].params().len()) {
            stub.instruction(&Instruction::LocalGet(parameter));
        }
        stub.instruction(&Instruction::I32Const(slot.cast_signed()));
        stub.instruction(&Instruction::CallIndirect {
            type_index: ty,
            table_index: 0,
        });
        stub.instruction(&Instruction::End);
        stub
    }

    /// Names of tables, memories and globals, in the order of their kinds, with their numbers.
    fn things(&self) -> impl Iterator<Item = (String, ExportKind, u32)> {
        let things = &self.module.things;
        let named = |letter: &'static str, kind: ExportKind, count: usize| {
            (0..count as u32).map(move |index| (format!("{THING}{letter}{index}"), kind, index))
        };
        named("t", ExportKind::Table, things.tables.len())
            .chain(named("m", ExportKind::Memory, things.memories.len()))
            // One more than the module has.
            .chain(named("g", ExportKind::Global, things.globals.len() + 1))
    }

    fn rest(&self) -> Result<Vec<u8>, Unfit> {
        let module = self.module;
        let mut imports = ImportSection::new();
        for (name, kind, index) in self.things() {
            let at = index as usize;
            let things = &module.things;
            let ty = match kind {
                ExportKind::Table => {
                    let table = things.tables[at];
                    let minimum = table.minimum + if index == 0 { self.more.into() } else { 0 };
                    EntityType::Table(TableType {
                        minimum,
                        maximum: None,
                        ..table
                    })
                }
                ExportKind::Memory => EntityType::Memory(wasm_encoder::MemoryType {
                    maximum: None,
                    ..things.memories[at]
                }),
                _ => EntityType::Global(things.globals.get(at).copied().unwrap_or(LOADED)),
            };
            imports.import(FIRST, &name, ty);
        }
        let mut numbers = vec![None; module.imported.len() + module.functions.len()];
        let mut next = 0..;
        for function in &self.shared {
            imports.import(
                FIRST,
                &name_of(*function),
                EntityType::Function(module.type_of(*function)),
            );
            numbers[*function as usize] = next.next();
        }
        let mut types = Vec::new();
        for own in self.of(false) {
            numbers[module.number(own) as usize] = next.next();
            types.push(module.functions[own]);
        }
        // What runs when the rest starts: from here on stubs do not fetch it.
        types.push(module.imported[self.loader as usize].1);
        let start = next.next().unwrap_or_default();
        let mut renumber = Renumber(&numbers);
        let mut code = CodeSection::new();
        for own in self.of(false) {
            renumber.parse_function_body(&mut code, module.bodies[own].clone())?;
        }
        let mut starting = Function::new([]);
        starting.instruction(&Instruction::I32Const(1));
        starting.instruction(&Instruction::GlobalSet(module.things.globals.len() as u32));
        starting.instruction(&Instruction::End);
        code.function(&starting);

        let mut out = wasm_encoder::Module::new();
        module.copy(id::TYPE, &mut out);
        out.section(&imports);
        out.section(&module.function_section(&types));
        out.section(&StartSection { function_index: start });
        out.section(&self.placed(&numbers));
        out.section(&code);
        Ok(out.finish())
    }

    /// The functions of the rest in their places: a segment for each run of places.
    fn placed(&self, numbers: &[Option<u32>]) -> ElementSection {
        let mut places = BTreeMap::new();
        for (function, slots) in &self.slots {
            for slot in slots {
                places.insert(*slot, numbers[*function as usize].unwrap_or_default());
            }
        }
        let mut runs: Vec<(u32, Vec<u32>)> = Vec::new();
        for (slot, number) in places {
            match runs.last_mut() {
                Some((from, run)) if *from as usize + run.len() == slot as usize => run.push(number),
                _ => runs.push((slot, vec![number])),
            }
        }
        let mut section = ElementSection::new();
        for (from, run) in runs {
            section.active(
                None,
                &ConstExpr::i32_const(from.cast_signed()),
                Elements::Functions(run.into()),
            );
        }
        section
    }
}

/// Whether the rest is in its place.
const LOADED: GlobalType = GlobalType {
    val_type: ValType::I32,
    mutable: true,
    shared: false,
};

/// The short name under which a function is exported for the rest.
fn name_of(function: u32) -> String {
    const DIGITS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut name = PREFIX.to_owned();
    let mut left = function as usize;
    loop {
        name.push(char::from(DIGITS[left % DIGITS.len()]));
        left /= DIGITS.len();
        if left == 0 {
            return name;
        }
    }
}
