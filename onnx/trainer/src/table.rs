//! Tables as files: CSV with a header, plain or compressed with gzip.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

/// Why a table was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TableError {
    /// The file.
    #[error("{path}: {source}")]
    Open {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Its text.
    #[error("{path}: {source}")]
    Parse {
        /// Which one.
        path: PathBuf,
        /// What is wrong.
        source: csv::Error,
    },
    /// A column that must be there.
    #[error("{path} has no column {column:?}")]
    Column {
        /// Which table.
        path: PathBuf,
        /// Which column.
        column: String,
    },
}

/// All rows of a table, as text.
#[derive(Debug)]
pub(crate) struct Table {
    path: PathBuf,
    columns: HashMap<String, usize>,
    names: Vec<String>,
    rows: Vec<csv::StringRecord>,
}

impl Table {
    /// Reads `NAME.csv.gz` or `NAME.csv` of a folder; none if it has neither.
    pub(crate) fn read(folder: &Path, name: &str) -> Result<Option<Self>, TableError> {
        for ending in ["csv.gz", "csv"] {
            let path = folder.join(format!("{name}.{ending}"));
            if path.exists() {
                return Self::open(path).map(Some);
            }
        }
        Ok(None)
    }

    fn open(path: PathBuf) -> Result<Self, TableError> {
        let file =
            File::open(&path).map_err(|source| TableError::Open { path: path.clone(), source })?;
        let packed = path.extension().is_some_and(|extension| extension == "gz");
        let text: Box<dyn Read> =
            if packed { Box::new(GzDecoder::new(file)) } else { Box::new(file) };
        let parse = |source| TableError::Parse { path: path.clone(), source };
        let mut reader = csv::Reader::from_reader(text);
        let names: Vec<String> =
            reader.headers().map_err(parse)?.iter().map(str::to_owned).collect();
        let columns = names.iter().cloned().zip(0..).collect();
        let rows = reader.records().collect::<Result<_, _>>().map_err(parse)?;
        Ok(Self { path, columns, names, rows })
    }

    /// Names of the columns.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Rows with the columns named; all must be there.
    pub(crate) fn rows<'a, const N: usize>(
        &'a self,
        columns: [&str; N],
    ) -> Result<impl Iterator<Item = [&'a str; N]> + 'a, TableError> {
        let mut places = [0; N];
        for (place, column) in places.iter_mut().zip(columns) {
            *place = *self.columns.get(column).ok_or_else(|| TableError::Column {
                path: self.path.clone(),
                column: column.to_owned(),
            })?;
        }
        let cells = move |row: &'a csv::StringRecord| places.map(|at| row.get(at).unwrap_or(""));
        Ok(self.rows.iter().map(cells))
    }
}

/// A cell as a number; none where it is blank or no number.
pub(crate) fn number(cell: &str) -> Option<f64> {
    cell.parse().ok().filter(|value: &f64| value.is_finite())
}

/// A cell as a cost: a number above zero.
pub(crate) fn cost(cell: &str) -> Option<f64> {
    number(cell).filter(|value| *value > 0.0)
}
