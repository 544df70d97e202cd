//! The memory of a session: a few slots that buffers take turns in.

use std::mem;

use umbra_kernels::Pool;

use super::step::{Sources, Step};
use crate::engine::EngineError;
use crate::engine::native::ir::Kind;
use crate::model::Stage;

/// Elements of one kind.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Data {
    /// Codes 0..=255.
    Codes(Vec<u8>),
    /// Single precision.
    Reals(Vec<f32>),
    /// Whole numbers.
    Wholes(Vec<i64>),
}

/// Which kind of elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// `u8`
    Codes,
    /// `f32`
    Reals,
    /// `i64`
    Wholes,
}

/// A stretch of memory that steps write and read; lives from its first write to its last read.
#[derive(Debug, Clone)]
pub(super) struct Buffer {
    pub(super) sort: Sort,
    /// Elements, slack included.
    pub(super) len: usize,
    /// What it holds from the start and for ever.
    pub(super) constant: Option<Data>,
}

impl Sort {
    pub(super) fn of(kind: Kind) -> Self {
        match kind {
            Kind::Codes(_) => Self::Codes,
            Kind::Real => Self::Reals,
            Kind::Whole => Self::Wholes,
        }
    }

    fn zeros(self, len: usize) -> Data {
        match self {
            Self::Codes => Data::Codes(vec![0; len]),
            Self::Reals => Data::Reals(vec![0.0; len]),
            Self::Wholes => Data::Wholes(vec![0; len]),
        }
    }
}

impl Default for Data {
    fn default() -> Self {
        Self::Codes(Vec::new())
    }
}

/// A slot before it is made.
#[derive(Debug)]
struct Slot {
    sort: Sort,
    len: usize,
    free: bool,
    constant: Option<Data>,
}

/// All slots, and which buffer is in which.
#[derive(Debug)]
pub(super) struct Memory {
    slots: Vec<Data>,
    slot_of: Vec<usize>,
}

impl Memory {
    /// Slots for these steps. `inputs` are written before the first step, `outputs` read
    /// behind the last one.
    pub(super) fn new(
        buffers: Vec<Buffer>,
        steps: &[Step],
        inputs: &[usize],
        outputs: &[usize],
    ) -> Result<Self, EngineError> {
        let lives = lives(buffers.len(), steps, inputs, outputs);
        let mut packing = Packing { slots: Vec::new(), slot_of: vec![usize::MAX; buffers.len()] };
        let mut moving = Vec::new();
        for (at, buffer) in buffers.into_iter().enumerate() {
            match buffer.constant {
                Some(_) => packing.keep(at, buffer),
                None => moving.push((at, buffer)),
            }
        }
        for moment in 0..=steps.len() {
            for (at, buffer) in &moving {
                if lives.get(*at).is_some_and(|life| life.first == moment && life.last != 0) {
                    packing.place(*at, buffer);
                }
            }
            for (at, _) in &moving {
                if lives.get(*at).is_some_and(|life| life.first <= moment && life.last == moment) {
                    packing.release(*at);
                }
            }
        }
        let make = |slot: Slot| slot.constant.unwrap_or_else(|| slot.sort.zeros(slot.len));
        let slots = packing.slots.into_iter().map(make).collect();
        Ok(Self { slots, slot_of: packing.slot_of })
    }

    /// What a buffer holds.
    pub(super) fn data(&self, buffer: usize) -> Result<&Data, EngineError> {
        let slot = self.slot_of.get(buffer).and_then(|&slot| self.slots.get(slot));
        slot.ok_or_else(|| absent(buffer))
    }

    /// What a buffer holds, to overwrite.
    pub(super) fn data_mut(&mut self, buffer: usize) -> Result<&mut Data, EngineError> {
        let slot = self.slot_of.get(buffer).and_then(|&slot| self.slots.get_mut(slot));
        slot.ok_or_else(|| absent(buffer))
    }

    /// Runs one step: its output is taken out, its inputs are borrowed.
    pub(super) fn run(&mut self, step: &Step, pool: &Pool) -> Result<(), EngineError> {
        let mut output = mem::take(self.data_mut(step.output)?);
        let sources = Sources::new(self, &step.inputs, pool);
        let result = step.work.run(&sources, &mut output);
        *self.data_mut(step.output)? = output;
        result
    }
}

fn absent(buffer: usize) -> EngineError {
    EngineError::new(Stage::Run, format!("buffer {buffer} has no memory"))
}

/// First write and last read, in steps counted from 1; inputs are written at 0.
#[derive(Debug, Clone, Copy)]
struct Life {
    first: usize,
    last: usize,
}

fn lives(buffers: usize, steps: &[Step], inputs: &[usize], outputs: &[usize]) -> Vec<Life> {
    let mut lives = vec![Life { first: usize::MAX, last: 0 }; buffers];
    let mut touch = |buffer: usize, moment: usize| {
        if let Some(life) = lives.get_mut(buffer) {
            life.first = life.first.min(moment);
            life.last = life.last.max(moment);
        }
    };
    // An input that nobody reads is written all the same.
    inputs.iter().for_each(|&buffer| [0, 1].into_iter().for_each(|at| touch(buffer, at)));
    for (at, step) in steps.iter().enumerate() {
        step.inputs.iter().chain([&step.output]).for_each(|&buffer| touch(buffer, at + 1));
    }
    outputs.iter().for_each(|&buffer| touch(buffer, usize::MAX));
    lives
}

/// Buffers on their way into slots.
#[derive(Debug)]
struct Packing {
    slots: Vec<Slot>,
    slot_of: Vec<usize>,
}

impl Packing {
    fn keep(&mut self, buffer: usize, Buffer { sort, len, constant }: Buffer) {
        self.assign(buffer, self.slots.len());
        self.slots.push(Slot { sort, len, free: false, constant });
    }

    /// The smallest free slot that is large enough, else the largest, made larger.
    fn place(&mut self, at: usize, buffer: &Buffer) {
        let free = self.slots.iter().enumerate();
        let free = free.filter(|(_, slot)| slot.free && slot.sort == buffer.sort);
        let rank = |slot: &Slot| match slot.len.checked_sub(buffer.len) {
            Some(spare) => (0, spare),
            None => (1, buffer.len - slot.len),
        };
        let best = free.min_by_key(|(_, slot)| rank(slot)).map(|(found, _)| found);
        let found = best.unwrap_or(self.slots.len());
        match self.slots.get_mut(found) {
            Some(slot) => {
                slot.free = false;
                slot.len = slot.len.max(buffer.len);
            }
            None => self.slots.push(Slot {
                sort: buffer.sort,
                len: buffer.len,
                free: false,
                constant: None,
            }),
        }
        self.assign(at, found);
    }

    fn assign(&mut self, buffer: usize, slot: usize) {
        if let Some(slot_of) = self.slot_of.get_mut(buffer) {
            *slot_of = slot;
        }
    }

    fn release(&mut self, buffer: usize) {
        let slot = self.slot_of.get(buffer).copied().unwrap_or(usize::MAX);
        if let Some(slot) = self.slots.get_mut(slot) {
            slot.free = true;
        }
    }
}
