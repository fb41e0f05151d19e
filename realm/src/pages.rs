//! What modules show to operators: read-only pages that the admin listener serves without knowing what is on them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use crate::lock::lock;

type Write = Arc<dyn Fn() -> String + Send + Sync>;

/// The pages of one node, by path. A clone is another handle to the same ones.
#[derive(Clone, Default)]
pub struct Pages(Arc<Mutex<BTreeMap<&'static str, (&'static str, Write)>>>);

impl Pages {
    /// Shows a page from now on, instead of one that had its path. `write` is called for each request, on the listener's
    /// thread: it should only read what its module keeps ready.
    pub fn show(
        &self,
        path: &'static str,
        content_type: &'static str,
        write: impl Fn() -> String + Send + Sync + 'static,
    ) {
        lock(&self.0).insert(path, (content_type, Arc::new(write)));
    }

    /// The content type and the text of a page, as a request would get it.
    pub fn read(&self, path: &str) -> Option<(&'static str, String)> {
        let page = lock(&self.0).get(path).cloned();
        page.map(|(content_type, write)| (content_type, write()))
    }
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pages").finish()
    }
}
