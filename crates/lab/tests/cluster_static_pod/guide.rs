//! A page of the documentation whose commands are run: each block that is run has a comment before
//! it, `<!-- test: NAME -->`.

use std::collections::BTreeMap;
use std::path::Path;

/// A page's blocks by their names.
pub(crate) struct Guide {
    page: &'static str,
    blocks: BTreeMap<String, String>,
}

impl Guide {
    /// Reads a page of docs/how-to.
    pub(crate) fn read(page: &'static str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/how-to").join(page);
        let text = std::fs::read_to_string(&path);
        let text = text.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut blocks = BTreeMap::new();
        let mut lines = text.lines().map(str::trim_start);
        while let Some(line) = lines.next() {
            let Some(name) = line.strip_prefix("<!-- test: ") else { continue };
            let name = name.trim_end_matches(" -->").to_owned();
            assert_eq!(lines.next(), Some("```sh"), "{page}: {name} has a block of sh");
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let before = blocks.insert(name.clone(), block.join("\n"));
            assert!(before.is_none(), "{page}: {name} is there twice");
        }
        Self { page, blocks }
    }

    /// A block that has not been taken yet or may be run again.
    pub(crate) fn block(&self, name: &str) -> &str {
        let block = self.blocks.get(name);
        block.unwrap_or_else(|| panic!("{} has no block {name}", self.page))
    }

    /// Panics if the page has a block that is not among these.
    pub(crate) fn has_only(&self, names: &[&str]) {
        let strange = self.blocks.keys().find(|name| !names.contains(&name.as_str()));
        assert_eq!(strange, None, "{} has a block that nobody runs", self.page);
    }
}
