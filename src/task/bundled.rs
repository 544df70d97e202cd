//! The demo task embedded in the program.

use super::open::described;
use super::tree::Tree;
use super::{Task, TaskError};
use crate::model::demo::DEMO_TASK;

/// The demo task; `None` where the program carries none.
#[must_use]
pub fn bundled() -> Option<Task> {
    // A demo task that does not open is a mistake of the build, which a test finds.
    embedded(DEMO_TASK)?.ok()
}

/// A task from embedded files, such as `train/3/001.png`; `None` where there are none.
fn embedded(files: &[(&str, &[u8])]) -> Option<Result<Task, TaskError>> {
    (!files.is_empty()).then(|| described(&Tree::Embedded(files)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_task_opens_wherever_it_is_embedded() {
        if let Some(task) = embedded(DEMO_TASK) {
            let task = task.unwrap();
            assert!(task.labels.len() >= 2 && task.samples.len() >= 2);
        }
        assert!(embedded(&[]).is_none());
    }

    #[test]
    fn an_embedded_task_is_the_same_as_one_on_disk() {
        let toml = b"schema = 1\nname = \"demo\"\nlabels = [\"b\", \"a\"]\nsamples = \"train\"\n";
        let mut png = std::io::Cursor::new(Vec::new());
        let grey = image::GrayImage::from_pixel(3, 2, image::Luma([7]));
        grey.write_to(&mut png, image::ImageFormat::Png).unwrap();
        let png = png.into_inner();
        let files: Vec<(&str, &[u8])> =
            vec![("task.toml", toml), ("train/a/1.png", &png), ("train/b/1.png", &png)];
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in &files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        let embedded = embedded(&files).unwrap().unwrap();
        let on_disk = crate::task::open(dir.path()).unwrap();
        assert_eq!(embedded.digest, on_disk.digest);
        assert_eq!(embedded.labels, ["b", "a"]);
        assert_eq!(embedded.samples, on_disk.samples);
    }
}
