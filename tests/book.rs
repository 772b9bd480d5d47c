//! The book and the other documents hang together: every page is listed, its code is tested, and no link is dead. (That mdBook
//! builds it is checked where mdBook is installed: `.ci/run`.)

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The names of the book's pages, without their ending.
fn pages() -> BTreeSet<String> {
    let folder = std::fs::read_dir(root().join("book/src")).expect("the book is there");
    let names = folder.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    let pages: BTreeSet<String> = names
        .filter_map(|name| name.strip_suffix(".md").map(str::to_string))
        .filter(|n| n != "SUMMARY")
        .collect();
    assert!(pages.len() > 5);
    pages
}

/// Where the links of a document lead, without those to the web and to places in it.
fn links(text: &str) -> Vec<String> {
    let ends = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let files = ends.map(|(link, _)| link.split('#').next().unwrap_or("").to_string());
    files.filter(|link| !link.is_empty() && !link.contains("://")).collect()
}

#[test]
fn every_page_is_listed_and_every_listed_page_is_there() {
    let summary = read(&root().join("book/src/SUMMARY.md"));
    let listed: BTreeSet<String> =
        links(&summary).iter().filter_map(|link| link.strip_suffix(".md").map(str::to_string)).collect();
    assert_eq!(listed, pages());
}

#[test]
fn the_code_of_every_page_is_tested() {
    let tested = read(&root().join("src/book.rs"));
    for page in pages() {
        // A page whose name is no identifier is included by its path.
        let by_path = tested.contains(&format!("book/src/{page}.md"));
        let list = tested.split("pages!(").nth(1).and_then(|rest| rest.split(')').next()).unwrap_or("");
        assert!(by_path || list.split(", ").any(|name| name == page), "`{page}` is not in src/book.rs");
    }
}

#[test]
fn no_link_is_dead() {
    let mut documents: Vec<PathBuf> =
        pages().iter().map(|page| format!("book/src/{page}.md").into()).collect();
    documents.extend(["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].map(PathBuf::from));
    let mut checked = 0;
    for document in documents {
        let path = root().join(&document);
        for link in links(&read(&path)) {
            let target = path.parent().expect("a folder").join(&link);
            assert!(target.exists(), "{}: `{link}` leads nowhere", document.display());
            checked += 1;
        }
    }
    assert!(checked > 3, "{checked} links");
}
