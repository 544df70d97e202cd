//! Loops that are written out.

/// Repeats the block for every index, all or those below `$count`. A loop would be unrolled
/// too late for the compiler to keep an array of sums in registers.
macro_rules! unrolled {
    ($index:ident in [$($value:literal)*] $body:block) => {
        $({
            let $index: usize = $value;
            $body
        })*
    };
    ($index:ident in [$($value:literal)*] below $count:ident $body:block) => {
        $({
            let $index: usize = $value;
            if $index < $count $body
        })*
    };
}

pub(super) use unrolled;
