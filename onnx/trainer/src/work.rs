//! Nodes of a model as a cell of a table: `kind:int8:operations:bytes`, apart by spaces.

use umbra::model::{Kind, Work};

/// The cell.
pub(crate) fn text(work: &[Work]) -> String {
    let node = |work: &Work| {
        let whole = u8::from(work.int8);
        format!("{}:{whole}:{}:{}", work.kind.name(), work.ops, work.bytes)
    };
    work.iter().map(node).collect::<Vec<_>>().join(" ")
}

/// The nodes in a cell; what is none is left out.
pub(crate) fn nodes(cell: &str) -> Vec<Work> {
    cell.split(' ').filter_map(node).collect()
}

fn node(text: &str) -> Option<Work> {
    let mut parts = text.split(':');
    let name = parts.next()?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name)?;
    let mut amount = || parts.next()?.parse::<u64>().ok();
    Some(Work { kind, int8: amount()? == 1, ops: amount()?, bytes: amount()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_come_back_from_their_cell() {
        let work = |kind, int8| Work { kind, int8, ops: 7, bytes: 9 };
        let all = [work(Kind::Convolution, true), work(Kind::Other, false)];
        assert_eq!(nodes(&text(&all)), all);
        assert_eq!(nodes("nothing:0:1:2 other:1"), []);
    }
}
